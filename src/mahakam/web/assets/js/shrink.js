// Photos of a phone are ten times as large as what is kept of them.

const LARGE = 500_000; // bytes from which a photo is made smaller before it is sent or kept
const SIDE = 1600;

export function isLarge(file) {
  return file.size > LARGE;
}

// A JPEG of at most SIDE pixels; the file itself where that is no smaller, or is no picture that this browser can read.
export async function smaller(file) {
  if (!isLarge(file)) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
    return blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file;
  } catch {
    return file; // the server says what is wrong with it
  }
}
