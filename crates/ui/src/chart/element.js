// <studio-chart spec="{…}">: shows the chart that its attribute describes (crates/ui/src/chart/spec.rs) and
// keeps it up to date with data, theme and size. The painter draws on its canvas in a worker.

import { lookOf } from "./style.js";
import { heightOf } from "./height.js";

// Live data is drawn at most four times a second.
const DRAW_EVERY_MS = 250;

const dark = matchMedia("(prefers-color-scheme: dark)");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const charts = new Map();
let painter;
let lastId = 0;

// One worker for all charts of the document. `PAINTER` is its URL, which contains a hash (scripts/charts.mjs).
function sharedPainter() {
  if (painter) return painter;
  painter = new Worker(new URL(PAINTER, import.meta.url), { type: "module" });
  painter.addEventListener("message", ({ data: { id, png } }) => charts.get(id)?.save(png));
  painter.addEventListener("error", () => charts.forEach((chart) => chart.dispatchEvent(new Event("error"))));
  return painter;
}

class StudioChart extends HTMLElement {
  static observedAttributes = ["spec"];

  #id;
  #canvas;
  #drawnAt = -Infinity;
  #timer;
  #frame;
  #pointer;
  #size = {};
  #sizes = new ResizeObserver(() => this.#resize());
  #themes = new MutationObserver(() => this.#draw());
  #redraw = () => this.#draw();
  #export = () => this.#canvas && this.#send("export", this.#picture());

  constructor() {
    super();
    for (const name of ["pointermove", "pointerdown"]) {
      this.addEventListener(name, ({ clientX, clientY }) => this.#point({ clientX, clientY }), { passive: true });
    }
    this.addEventListener("pointerleave", () => this.#point(null));
    this.addEventListener("export-png", this.#export);
  }

  connectedCallback() {
    this.#id = ++lastId;
    charts.set(this.#id, this);
    this.#sizes.observe(this);
    this.#themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", this.#redraw);
    this.#draw();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#timer = this.#frame = undefined;
    this.#sizes.disconnect();
    this.#themes.disconnect();
    dark.removeEventListener("change", this.#redraw);
    if (this.#canvas) this.#send("end");
    charts.delete(this.#id);
    this.#id = this.#canvas = undefined;
    this.replaceChildren();
  }

  attributeChangedCallback() {
    if (this.#id === undefined || this.#timer !== undefined) return;
    const wait = this.#drawnAt + DRAW_EVERY_MS - performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#draw({ animate: true });
    }, Math.max(0, wait));
  }

  // Downloads the image.
  save(png) {
    const address = URL.createObjectURL(png);
    Object.assign(document.createElement("a"), { href: address, download: this.#spec.file }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  get #spec() {
    const text = this.getAttribute("spec");
    return text ? JSON.parse(text) : undefined;
  }

  #send(order, about = {}, transfer = []) {
    if (this.#id !== undefined) sharedPainter().postMessage({ id: this.#id, order, ...about }, transfer);
  }

  #draw({ animate = false } = {}) {
    const spec = this.#spec;
    if (this.#id === undefined || !spec || this.clientWidth === 0) return;
    this.#drawnAt = performance.now();
    if (!this.#canvas) this.#lendCanvas();
    // Rows that do not fit the box are scrollable.
    this.style.minHeight = `${heightOf(spec)}px`;
    this.#send("draw", { ...this.#picture(spec), animate: animate && !calm.matches });
  }

  #lendCanvas() {
    this.#canvas = document.createElement("canvas");
    this.#canvas.className = "chart-surface";
    this.append(this.#canvas);
    const canvas = this.#canvas.transferControlToOffscreen();
    this.#send("begin", { canvas, ratio: devicePixelRatio }, [canvas]);
  }

  #picture(spec = this.#spec) {
    this.#size = { width: this.clientWidth, height: this.clientHeight };
    return { spec, look: lookOf(this, spec), size: this.#size };
  }

  #resize() {
    if (this.#size.width !== this.clientWidth || this.#size.height !== this.clientHeight) this.#draw();
  }

  // Sends the pointer position to the painter, at most once per frame.
  #point(place) {
    this.#pointer = place;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      const { left, top } = this.getBoundingClientRect();
      const at = this.#pointer && { x: this.#pointer.clientX - left, y: this.#pointer.clientY - top };
      this.#send("point", { at });
    });
  }
}

customElements.define("studio-chart", StudioChart);
