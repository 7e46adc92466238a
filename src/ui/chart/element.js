// <studio-chart spec="{…}">: draws the chart that its attribute describes (src/ui/chart/spec.rs) and
// keeps it up to date with data, theme and size.

import { BarChart, CustomChart, ScatterChart } from "echarts/charts";
import { GridComponent, TitleComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

import { bars } from "./bars.js";
import { lookOf } from "./look.js";
import { scatter } from "./scatter.js";
import { timeline } from "./timeline.js";

use([BarChart, CanvasRenderer, CustomChart, GridComponent, LabelLayout, ScatterChart, TitleComponent, TooltipComponent]);

const KINDS = { bars, scatter, timeline };

// Live data is drawn four times a second at most.
const DRAW_EVERY_MS = 250;

const PICTURE = { minWidth: 720, heading: 58, pixelRatio: 2 };

const dark = matchMedia("(prefers-color-scheme: dark)");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

class StudioChart extends HTMLElement {
  static observedAttributes = ["spec"];

  #chart;
  #kind;
  #drawnAt = -Infinity;
  #timer;
  #sizes = new ResizeObserver(() => this.#resize());
  #themes = new MutationObserver(() => this.#draw());
  #redraw = () => this.#draw();
  #export = () => this.#download();

  connectedCallback() {
    const surface = document.createElement("div");
    surface.className = "chart-surface";
    this.append(surface);
    this.#chart = init(surface, null, { renderer: "canvas", width: surface.clientWidth, height: surface.clientHeight });
    this.#sizes.observe(this);
    this.#themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", this.#redraw);
    this.addEventListener("export-png", this.#export);
    document.fonts.ready.then(this.#redraw);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sizes.disconnect();
    this.#themes.disconnect();
    dark.removeEventListener("change", this.#redraw);
    this.removeEventListener("export-png", this.#export);
    this.#chart.dispose();
    this.#chart = undefined;
    this.#kind = undefined;
    this.replaceChildren();
  }

  attributeChangedCallback() {
    if (!this.#chart || this.#timer !== undefined) return;
    const wait = this.#drawnAt + DRAW_EVERY_MS - performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#draw({ animate: true });
    }, Math.max(0, wait));
  }

  get #spec() {
    const text = this.getAttribute("spec");
    return text ? JSON.parse(text) : undefined;
  }

  #draw({ animate = false } = {}) {
    const spec = this.#spec;
    if (!this.#chart || !spec || this.clientWidth === 0) return;
    this.#drawnAt = performance.now();
    this.#makeRoom(spec);
    if (this.#kind !== spec.kind) this.#chart.clear();
    this.#kind = spec.kind;
    this.#chart.setOption(this.#option(spec, this.clientWidth, animate && !calm.matches));
  }

  // Rows that do not fit the box are scrolled to.
  #makeRoom(spec) {
    this.style.minHeight = `${KINDS[spec.kind].height(spec)}px`;
    this.#chart.resize({ width: this.clientWidth, height: this.clientHeight });
  }

  #option(spec, width, animation) {
    const look = lookOf(this);
    return {
      animation,
      animationDuration: 200,
      animationDurationUpdate: 200,
      textStyle: { fontFamily: look.font },
      ...KINDS[spec.kind].option(spec, look, width),
    };
  }

  #resize() {
    if (this.#chart && (this.#chart.getWidth() !== this.clientWidth || this.#chart.getHeight() !== this.clientHeight)) this.#draw();
  }

  #download() {
    const spec = this.#spec;
    if (!spec) return;
    this.#picture(spec).toBlob((png) => {
      const address = URL.createObjectURL(png);
      Object.assign(document.createElement("a"), { href: address, download: spec.file }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }, "image/png");
  }

  // The chart on a canvas of its own, under its title.
  #picture(spec) {
    const look = lookOf(this);
    const width = Math.max(this.clientWidth, PICTURE.minWidth);
    const height = this.clientHeight + PICTURE.heading;
    const option = this.#option(spec, width, false);
    const paper = init(document.createElement("div"), null, { width, height, renderer: "canvas", devicePixelRatio: PICTURE.pixelRatio });
    paper.setOption({
      ...option,
      grid: { ...option.grid, top: option.grid.top + PICTURE.heading },
      title: {
        text: spec.title,
        subtext: spec.subtitle,
        left: 14,
        top: 12,
        itemGap: 5,
        textStyle: { color: look.ink, fontSize: 15, fontWeight: 600, fontFamily: look.font },
        subtextStyle: { color: look.muted, fontSize: 12, fontFamily: look.font },
      },
    });
    const canvas = paper.renderToCanvas({ pixelRatio: PICTURE.pixelRatio, backgroundColor: look.background });
    paper.dispose();
    return canvas;
  }
}

customElements.define("studio-chart", StudioChart);
