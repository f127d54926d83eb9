// A drawn map becomes a map to move in: our own GeoJSON layers, no tiles, nothing from elsewhere.
import maplibregl from "maplibre-gl/dist/maplibre-gl-csp.js";


const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

export function start(host) {
  const settings = JSON.parse(host.dataset.map);
  const stage = host.querySelector(".map-stage");
  maplibregl.setWorkerUrl(new URL(settings.worker, location.href).href);
  const canvas = document.createElement("div");
  canvas.className = "map-canvas";
  stage.append(canvas);
  const [west, south, east, north] = settings.bounds;
  const map = new maplibregl.Map({
    container: canvas,
    style: { version: 8, sources: {}, layers: [{ id: "paper", type: "background", paint: { "background-color": "#fbfaf6" } }] },
    bounds: [[west, south], [east, north]],
    fitBoundsOptions: { padding: 18 },
    attributionControl: false,
    cooperativeGestures: host.dataset.mapWhen === "idle",
    fadeDuration: 0,
    dragRotate: false,
    pitchWithRotate: false,
    maxZoom: 17,
    locale: {
      "NavigationControl.ZoomIn": settings.words.in,
      "NavigationControl.ZoomOut": settings.words.out,
      "Map.Title": settings.words.map,
      "Popup.Close": settings.words.close,
      "CooperativeGesturesHandler.WindowsHelpText": settings.words.ctrl,
      "CooperativeGesturesHandler.MacHelpText": settings.words.command,
      "CooperativeGesturesHandler.MobileHelpText": settings.words.fingers,
    },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  map.on("load", () => {
    fill(map, settings);
    listen(map, settings, host);
    map.once("idle", () => {
      host.classList.add("live");
      host.dispatchEvent(new CustomEvent("map-ready", { bubbles: true, detail: map }));
    });
  });
  return map;
}

function fill(map, settings) {
  if (settings.boundary) {
    map.addSource("boundary", { type: "geojson", data: settings.boundary });
    map.addLayer({ id: "boundary-fill", type: "fill", source: "boundary", paint: { "fill-color": "#e1f0ef" } });
    map.addLayer({ id: "boundary-line", type: "line", source: "boundary", paint: { "line-color": "#b9d3d1", "line-width": 1 } });
  }
  for (const layer of settings.layers) {
    map.addSource(layer.id, { type: "geojson", data: layer.shown ? layer.data : { type: "FeatureCollection", features: [] }, promoteId: "id" });
    if (layer.style === "area") {
      map.addLayer({ id: layer.id, type: "fill", source: layer.id, paint: { "fill-color": layer.colour, "fill-opacity": ["case", ["boolean", ["feature-state", "chosen"], false], 0.4, ["boolean", ["feature-state", "near"], false], 0.2, settings.boundary ? 0 : 0.14] } });
      map.addLayer({ id: `${layer.id}-edge`, type: "line", source: layer.id, paint: { "line-color": layer.colour, "line-opacity": ["case", ["boolean", ["feature-state", "chosen"], false], 1, 0.32], "line-width": ["case", ["boolean", ["feature-state", "chosen"], false], 2.6, layer.colour === "#0b6e75" ? 0.9 : 1.5] } });
    } else if (layer.style === "line") {
      map.addLayer({ id: layer.id, type: "line", source: layer.id, layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": layer.colour, "line-width": ["interpolate", ["linear"], ["zoom"], 8, 1.6, 12, 3.4, 16, 7] } });
      map.addLayer({ id: `${layer.id}-edge`, type: "line", source: layer.id, paint: { "line-color": "#000", "line-opacity": 0, "line-width": 16 } });
    } else {
      map.addLayer({ id: layer.id, type: "circle", source: layer.id, paint: { "circle-color": layer.colour, "circle-radius": ["interpolate", ["linear"], ["zoom"], 4, 2.6, 10, 5, 15, 9], "circle-stroke-color": "#fff", "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 4, 0.5, 10, 1.4], "circle-opacity": 0.88 } });
    }
  }
}

function listen(map, settings, host) {
  const live = settings.layers.flatMap((layer) => (layer.style === "line" ? [layer.id, `${layer.id}-edge`] : [layer.id]));
  let near = null;
  const name = document.createElement("div");
  name.className = "map-name";
  name.hidden = true;
  host.querySelector(".map-stage").append(name);
  map.on("mousemove", (event) => {
    const found = live.length ? map.queryRenderedFeatures(event.point, { layers: live.filter((id) => map.getLayer(id)) }) : [];
    const top = found[0];
    if (near && (!top || near.id !== top.id)) map.setFeatureState(near, { near: false });
    near = top ? { source: top.source, id: top.id } : null;
    if (near) map.setFeatureState(near, { near: true });
    map.getCanvas().style.cursor = near ? "pointer" : "";
    name.hidden = !near;
    if (near) {
      name.textContent = top.properties.name;
      name.style.transform = `translate(${Math.min(event.point.x + 14, map.getContainer().clientWidth - name.offsetWidth - 8)}px, ${event.point.y + 14}px)`;
    }
  });
  map.on("mouseout", () => { name.hidden = true; });
  map.on("click", (event) => {
    const [top] = map.queryRenderedFeatures(event.point, { layers: live.filter((id) => map.getLayer(id)) });
    if (top) open(map, settings, { source: top.source, id: top.id }, event.lngLat);
  });
  host.addEventListener("show-feature", (event) => open(map, settings, event.detail.feature, event.detail.at, true));
}

let popup = null;
let chosen = null;
async function open(map, settings, feature, at, fly = false) {
  if (chosen) map.setFeatureState(chosen, { chosen: false });
  chosen = feature;
  map.setFeatureState(feature, { chosen: true });
  if (fly) map.flyTo({ center: at, zoom: Math.max(map.getZoom(), 12), animate: !still });
  popup?.remove();
  const body = document.createElement("div");
  body.className = "map-popup";
  popup = new maplibregl.Popup({ maxWidth: "300px", offset: 10 }).setLngLat(at).setDOMContent(body).addTo(map);
  popup.on("close", () => { if (chosen === feature) { map.setFeatureState(feature, { chosen: false }); chosen = null; } });
  const answer = await fetch(settings.popup + encodeURIComponent(feature.id), { headers: { "X-Fragment": "1" } });
  // Our own page's fragment, escaped by the server.
  body.innerHTML = answer.ok ? await answer.text() : "";
  popup.setLngLat(at);
}

function begin(host) {
  if (host.dataset.started) return;
  host.dataset.started = "1";
  try {
    host.map = start(host);
  } catch (error) {
    // No WebGL here: the drawing and the tables stay.
    console.warn(error);
    host.classList.add("map-failed");
  }
}

for (const host of document.querySelectorAll("[data-map]")) {
  if (host.dataset.mapWhen !== "idle") {
    begin(host);
    continue;
  }
  for (const kind of ["pointerdown", "focusin"]) host.querySelector(".map-stage").addEventListener(kind, () => begin(host), { once: true });
  const roomy = matchMedia("(min-width: 761px)").matches && !navigator.connection?.saveData;
  if (roomy) addEventListener("load", () => (window.requestIdleCallback ?? setTimeout)(() => begin(host), { timeout: 4000 }));
}



// The list beside a map: its links become buttons that show the place on the map.
for (const button of document.querySelectorAll("button[data-show]")) {
  const host = document.querySelector("[data-map]");
  button.hidden = false;
  button.nextElementSibling.hidden = true;
  button.addEventListener("click", () => {
    if (!host.classList.contains("live")) { location.href = button.nextElementSibling.href; return; }
    host.dispatchEvent(new CustomEvent("show-feature", { detail: { feature: JSON.parse(button.dataset.show), at: button.dataset.at.split(",").map(Number) } }));
    if (matchMedia("(max-width: 760px)").matches) host.scrollIntoView({ behavior: still ? "auto" : "smooth" });
  });
}

// Layers switched on and off; a layer that was never shown is fetched when it first is.
for (const box of document.querySelectorAll("input[data-layer]")) {
  const host = document.querySelector("[data-map]");
  const settings = JSON.parse(host.dataset.map);
  const layer = settings.layers.find((one) => one.id === box.dataset.layer);
  let fetched = layer.shown;
  box.closest("[hidden]")?.removeAttribute("hidden");
  box.hidden = false;
  box.addEventListener("change", () => {
    const map = host.map;
    if (!map?.getSource(layer.id)) return;
    if (box.checked && !fetched) { map.getSource(layer.id).setData(layer.data); fetched = true; }
    for (const id of [layer.id, `${layer.id}-edge`]) if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", box.checked ? "visible" : "none");
  });
}
