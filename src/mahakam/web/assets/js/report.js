// The report form with a map: pin, own place, kinds found by typing, what is near by, the photo before it is sent.
import maplibregl from "maplibre-gl/dist/maplibre-gl-csp.js";
import { guard, register, submit } from "./offline.js";

const form = document.querySelector("[data-report]");
const $ = (selector) => form.querySelector(selector);
const latitude = $("#latitude");
const longitude = $("#longitude");
const village = $("#village");
const words = $("[data-pin-words]");
const placeError = $("[data-place-error]");

for (const part of form.querySelectorAll("[data-needs-script]")) part.hidden = false;
document.querySelector("#alike, #errors")?.focus();

let pin = null;
let map = null;

function degrees(text) {
  const value = Number.parseFloat(text.trim().replace(",", "."));
  return Number.isFinite(value) ? value : null;
}

function typed() {
  const lon = degrees(longitude.value);
  const lat = degrees(latitude.value);
  return lon === null || lat === null || Math.abs(lat) > 85 || Math.abs(lon) > 180 ? null : [lon, lat];
}

function say(error, text) {
  error.hidden = !text;
  error.textContent = text;
}

// Where the pin is: the one place that the fields, the words and the hint take it from.
function moved(lonLat, from) {
  if (from !== "fields") {
    longitude.value = lonLat[0].toFixed(6);
    latitude.value = lonLat[1].toFixed(6);
  }
  if (from !== "village" && village) village.value = "";
  say(placeError, "");
  form.querySelector("#location-error")?.remove();
  $("#map-field").classList.remove("wrong");
  if (map && pin) {
    pin.setLngLat(lonLat).addTo(map);
    name(lonLat);
  }
  near();
}

function name(lonLat) {
  const ask = () => {
    const [found] = map.getLayer("boundary") ? map.queryRenderedFeatures(map.project(lonLat), { layers: ["boundary"] }) : [];
    const inView = map.getBounds().contains(lonLat);
    const where = found?.properties?.name;
    words.textContent = found || !inView ? form.dataset.at.replace("%(where)s", where ?? `${lonLat[1].toFixed(5)}, ${lonLat[0].toFixed(5)}`) : form.dataset.nowhere;
  };
  map.loaded() ? ask() : map.once("idle", ask);
}

function startMap(host) {
  const bounds = JSON.parse(host.dataset.bounds || "null");
  if (!bounds) return;
  host.hidden = false;
  maplibregl.setWorkerUrl(new URL(host.dataset.worker, location.href).href);
  const [west, south, east, north] = bounds;
  map = new maplibregl.Map({
    container: host,
    style: { version: 8, sources: {}, layers: [{ id: "paper", type: "background", paint: { "background-color": "#fbfaf6" } }] },
    bounds: [[west, south], [east, north]],
    fitBoundsOptions: { padding: 16 },
    maxBounds: [[west - 0.3, south - 0.3], [east + 0.3, north + 0.3]],
    attributionControl: false,
    cooperativeGestures: false,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: 0,
    maxZoom: 18,
    locale: { "NavigationControl.ZoomIn": host.dataset.in, "NavigationControl.ZoomOut": host.dataset.out, "Map.Title": host.dataset.label },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  const shape = document.createElement("div");
  shape.className = "pin";
  shape.innerHTML = '<svg viewBox="0 0 34 46" width="34" height="46" aria-hidden="true"><path d="M17 45C27 31 33 24 33 16.500a16 16 0 0 0-32 0C1 24 7 31 17 45z" fill="#b3372f" stroke="#fff" stroke-width="2"/><circle cx="17" cy="16.500" r="6" fill="#fff"/></svg>';
  pin = new maplibregl.Marker({ element: shape, anchor: "bottom", draggable: true }).setLngLat([(west + east) / 2, (south + north) / 2]);
  shape.setAttribute("aria-label", host.dataset.pin);
  pin.on("dragend", () => moved(pin.getLngLat().toArray(), "map"));
  map.on("click", (event) => moved(event.lngLat.toArray(), "map"));
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    moved(map.getCenter().toArray(), "map");
  });
  map.on("load", () => {
    map.addSource("boundary", { type: "geojson", data: `/cities/${form.dataset.city}/boundary.geojson` });
    map.addLayer({ id: "boundary", type: "fill", source: "boundary", paint: { "fill-color": "#e1f0ef" } });
    map.addLayer({ id: "edges", type: "line", source: "boundary", paint: { "line-color": "#b9d3d1", "line-width": 1 } });
    JSON.parse(host.dataset.lines).forEach(([data, colour], index) => {
      map.addSource(`line-${index}`, { type: "geojson", data });
      map.addLayer({ id: `line-${index}`, type: "line", source: `line-${index}`, layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour, "line-opacity": 0.75, "line-width": ["interpolate", ["linear"], ["zoom"], 8, 1.2, 12, 2.6, 16, 7] } });
    });
    if (typed()) show(typed());
    map.once("idle", () => host.classList.add("ready"));
  });
  tidy($("[data-by-hand]"));
}

// With a map the fields for a place by hand are folded away, but never from under somebody who is at them: on a slow
// phone the map comes long after the page.
function tidy(part) {
  const used = part.contains(document.activeElement) || [...part.querySelectorAll("input, select")].some((field) => field.value);
  if (!used) part.open = false;
}

function show(lonLat) {
  if (map) map.jumpTo({ center: lonLat, zoom: Math.max(map.getZoom(), 14) });
  moved(lonLat, "fields");
}

try {
  startMap($("[data-pin-map]"));
} catch (error) {
  // No WebGL: village and coordinates remain.
  console.warn(error);
  $("[data-pin-map]").hidden = true;
  map = null;
}

for (const field of [latitude, longitude]) field.addEventListener("change", () => typed() && show(typed()));
village?.addEventListener("change", () => {
  const { lon, lat } = village.selectedOptions[0].dataset;
  if (!lon) return;
  longitude.value = lon;
  latitude.value = lat;
  if (map) map.jumpTo({ center: [Number(lon), Number(lat)], zoom: 14 });
  moved([Number(lon), Number(lat)], "village");
});

const mine = $("[data-my-place]");
if (!navigator.geolocation) mine.hidden = true;
mine.addEventListener("click", () => {
  mine.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      mine.disabled = false;
      const [west, south, east, north] = JSON.parse($("[data-pin-map]").dataset.bounds || "[-180,-90,180,90]");
      const inside = coords.longitude >= west && coords.longitude <= east && coords.latitude >= south && coords.latitude <= north;
      if (!inside) return say(placeError, form.dataset.outside);
      longitude.value = coords.longitude.toFixed(6);
      latitude.value = coords.latitude.toFixed(6);
      show([coords.longitude, coords.latitude]);
    },
    () => {
      mine.disabled = false;
      say(placeError, form.dataset.noPlace);
    },
    { enableHighAccuracy: true, timeout: 15000, maximumAge: 0 },
  );
});

// What others reported near by, as soon as place and kind are known.
let asked = 0;
async function near() {
  const host = $("[data-near]");
  const service = form.querySelector("[name=service]:checked")?.value;
  const at = typed();
  const turn = ++asked;
  host.hidden = true;
  if (!service || !at || $("#alike")) return;
  const query = new URLSearchParams({ city: form.dataset.city, service, lon: at[0], lat: at[1], words: $("#description").value.slice(0, 500) });
  const answer = await fetch(`/report/near.json?${query}`).catch(() => null);
  const found = answer?.ok ? await answer.json() : [];
  if (turn !== asked || !found.length) return;
  $("[data-near-list]").replaceChildren(...found.map((one) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/requests/${one.number}`;
    link.target = "_blank";
    link.textContent = one.words;
    const far = document.createElement("span");
    far.className = "small mute";
    far.textContent = " " + form.dataset.metres.replace("%(n)s", one.metres);
    item.append(link, far);
    return item;
  }));
  host.hidden = false;
}
for (const choice of form.querySelectorAll("[name=service]")) choice.addEventListener("change", () => { ask(choice.value); near(); });

$("#description").addEventListener("change", near);

// The questions of the kind that was chosen.
function ask(service) {
  for (const part of form.querySelectorAll("[data-questions]")) part.hidden = part.dataset.questions !== service;
}
ask(form.querySelector("[name=service]:checked")?.value);

// Kinds found by typing: the server's search forgives slips.
const find = $("[data-find-service]");
const choices = [...form.querySelectorAll(".choice")];
let searching = 0;
function only(codes) {
  for (const choice of choices) {
    const box = choice.querySelector("input");
    choice.hidden = codes !== null && !codes.includes(box.value) && !box.checked;
  }
  for (const group of form.querySelectorAll("[data-group]")) group.hidden = ![...group.querySelectorAll(".choice")].some((choice) => !choice.hidden);
  $("[data-nothing]").hidden = codes === null || codes.length > 0;
}
find?.addEventListener("input", async () => {
  const turn = ++searching;
  const query = find.value.trim();
  if (!query) return only(null);
  const answer = await fetch(`/report/services.json?${new URLSearchParams({ city: form.dataset.city, q: query })}`).catch(() => null);
  if (turn !== searching) return;
  if (answer?.ok) return only(await answer.json());
  const words = query.toLowerCase();
  only(choices.filter((choice) => choice.textContent.toLowerCase().includes(words)).map((choice) => choice.querySelector("input").value));
});
find?.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
$("[data-show-all]")?.addEventListener("click", () => { find.value = ""; only(null); find.focus(); });

// The photo, before it is sent.
const photo = $("#photo");
const previews = $("[data-photo-previews]");
photo.addEventListener("change", () => {
  const files = [...photo.files];
  const tooLarge = files.some((file) => file.size > Number(form.dataset.longestPhoto));
  const kept = form.querySelectorAll("[name=kept_photo]:checked").length;
  const tooMany = files.length + kept > Number(form.dataset.mostPhotos);
  say($("[data-photo-error]"), tooLarge ? form.dataset.tooLarge : tooMany ? form.dataset.tooMany : "");
  previews.replaceChildren();
  if (tooLarge || tooMany) { photo.value = ""; return; }
  files.forEach((file, index) => {
    const image = document.createElement("img");
    image.className = "photo-preview";
    image.dataset.photoPreview = "";
    image.alt = previews.dataset.alt.replace("%(n)s", index + 1);
    image.addEventListener("error", () => image.remove());
    image.src = URL.createObjectURL(file);
    previews.append(image);
  });
});

// A second tap while the first is under way does nothing; the server would not count it twice either.
let sending = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (sending) return;
  sending = true;
  const button = event.submitter ?? $("[data-send]");
  const label = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = form.dataset.sending;
  const kept = await submit(form, event.submitter);
  if (!kept) return;
  sending = false;
  button.removeAttribute("aria-disabled");
  button.textContent = label;
  const said = document.querySelector("[data-offline]");
  say(said, kept === "incomplete" ? form.dataset.incomplete : "");
  if (kept === "incomplete") return said.focus();
  location.assign("/report/kept");
});
guard(form, !document.querySelector("#alike, #errors")).then(() => {
  const at = typed();
  if (at) map && !map.loaded() ? moved(at, "fields") : show(at);
  ask(form.querySelector("[name=service]:checked")?.value);
  photo.dispatchEvent(new Event("change"));
  form.dataset.ready = "";
});
register(form.dataset.city, document.documentElement.lang).catch((error) => console.warn(error));
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
