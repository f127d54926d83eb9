// A database of the browser with a store for each kind of thing; a write is on the disk when it is said to be done.

// `stores`: name → the field that is the key. Returns run(store, mode, work), which resolves to what `work` asked for.
export function database(name, stores) {
  function open() {
    return new Promise((resolve, reject) => {
      const asked = indexedDB.open(name, 1);
      asked.onupgradeneeded = () => Object.entries(stores).forEach(([store, keyPath]) => asked.result.createObjectStore(store, { keyPath }));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  }
  return async function run(store, mode, work) {
    const opened = await open();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = opened.transaction(store, mode, { durability: "strict" });
        const asked = work(transaction.objectStore(store));
        transaction.oncomplete = () => resolve(asked?.result);
        transaction.onabort = () => reject(transaction.error);
        transaction.onerror = () => reject(transaction.error);
      });
    } finally {
      opened.close();
    }
  };
}

// Callbacks for changes that this page, another one or the service worker makes.
export function announcer(name) {
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(name) : null;
  const listeners = new Set();
  const call = () => listeners.forEach((callback) => callback());
  channel?.addEventListener("message", call);
  return { onChange: (callback) => listeners.add(callback), changed: () => { channel?.postMessage("changed"); call(); } };
}

// Do it now, when the browser says that the connection is back, when the page is looked at again, and every so often:
// a server that was down says nothing when it is back.
export function keepTrying(work, every = 10_000) {
  const look = () => { if (document.visibilityState === "visible") work(); };
  addEventListener("online", look);
  document.addEventListener("visibilitychange", look);
  setInterval(look, every);
  return work();
}

export function randomKey() {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
