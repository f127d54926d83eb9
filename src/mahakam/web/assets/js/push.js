// News of a report on this device: subscribe with the browser's push service, or stop.

const host = document.querySelector("[data-push]");
const button = host?.querySelector("button");
const said = host?.querySelector("[data-push-said]");
const kept = `mahakam-push-${host?.dataset.number}`;

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

async function tell(path, fields) {
  const token = await fetch("/report/token.json", { cache: "no-store" }).then((answer) => answer.json());
  const body = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...token })) body.append(name, value);
  return fetch(`/requests/${host.dataset.number}${path}`, { method: "POST", body });
}

function draw() {
  button.textContent = localStorage.getItem(kept) ? host.dataset.stop : host.dataset.start;
}

async function toggle() {
  const registration = await navigator.serviceWorker.register("/sw.js");
  await navigator.serviceWorker.ready;
  if (localStorage.getItem(kept)) {
    await tell("/push/stop", { endpoint: localStorage.getItem(kept) });
    localStorage.removeItem(kept);
    return "";
  }
  if ((await Notification.requestPermission()) !== "granted") return host.dataset.denied;
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(host.dataset.key) });
  const { endpoint, keys } = subscription.toJSON();
  const answer = await tell("/push", { endpoint, p256dh: keys.p256dh, auth: keys.auth, key: host.dataset.own });
  if (answer.status !== 201) return (await answer.json()).detail;
  localStorage.setItem(kept, endpoint);
  return host.dataset.done;
}

if (host && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  host.hidden = false;
  draw();
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = await toggle().catch(() => host.dataset.failed);
    button.disabled = false;
    draw();
  });
}
