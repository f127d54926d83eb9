// The service worker of this site, asked to keep pages here until it says that it has: on a bad line a first try may fail.
const FIRST = 3000; // milliseconds until it is asked again; doubled each time
const MOST = 60000;

export async function keepHere(wanted, answer) {
  if (!("serviceWorker" in navigator)) return;
  let kept = false;
  navigator.serviceWorker.addEventListener("message", (event) => { kept ||= event.data === answer; });
  navigator.serviceWorker.startMessages();
  for (let pause = FIRST; !kept; pause = Math.min(2 * pause, MOST)) {
    await Promise.race([ask(wanted), later(pause)]).catch((error) => console.warn(error));
    for (let waited = 0; waited < pause && !kept; waited += 100) await later(100);
  }
  document.documentElement.dataset.offlineReady = "";
}

// A registration whose files could not all be had is gone: registering anew fetches them again.
async function ask(wanted) {
  const registration = await navigator.serviceWorker.register("/sw.js");
  (registration.active ?? (await navigator.serviceWorker.ready).active).postMessage(wanted);
}

const later = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
