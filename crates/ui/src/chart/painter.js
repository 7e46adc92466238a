// A worker that draws charts with ECharts on transferred canvases, so that drawing does not block the page. It
// is controlled by messages from element.js.

import { BarChart, CustomChart, ScatterChart } from "echarts/charts";
import { GridComponent, TitleComponent, TooltipComponent } from "echarts/components";
import { init, setPlatformAPI, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

import { bars } from "./bars.js";
import { scatter } from "./scatter.js";
import { timeline } from "./timeline.js";

use([BarChart, CanvasRenderer, CustomChart, GridComponent, LabelLayout, ScatterChart, TitleComponent, TooltipComponent]);
setPlatformAPI({ createCanvas: () => new OffscreenCanvas(1, 1) });

const KINDS = { bars, scatter, timeline };

const EXPORT = { minWidth: 720, heading: 58, pixelRatio: 2 };

const OUTSIDE = { zrX: -1, zrY: -1 };

const pictures = new Map();

class Picture {
  #canvas;
  #ratio;
  #chart;
  #kind;

  constructor({ canvas, ratio }) {
    this.#canvas = canvas;
    this.#ratio = ratio;
  }

  draw({ spec, look, size, animate }) {
    this.#chart ??= init(this.#canvas, null, { ...size, renderer: "canvas", devicePixelRatio: this.#ratio });
    if (this.#chart.getWidth() !== size.width || this.#chart.getHeight() !== size.height) this.#chart.resize(size);
    if (this.#kind !== spec.kind) this.#chart.clear();
    this.#kind = spec.kind;
    this.#chart.setOption(optionOf(spec, look, size.width, animate));
  }

  point({ at }) {
    const handler = this.#chart?.getZr().handler;
    if (at) handler?.dispatch("mousemove", { zrX: at.x, zrY: at.y });
    else handler?.dispatch("mouseout", OUTSIDE);
  }

  end() {
    this.#chart?.dispose();
  }
}

function optionOf(spec, { hues, ...colors }, width, animation) {
  const look = { ...colors, hue: (key) => hues[key] };
  return {
    animation,
    animationDuration: 200,
    animationDurationUpdate: 200,
    textStyle: { fontFamily: look.font },
    ...KINDS[spec.kind].option(spec, look, width),
  };
}

// Draws the chart with its title on a separate canvas.
function pngOf({ spec, look, size }) {
  const width = Math.max(size.width, EXPORT.minWidth);
  const height = size.height + EXPORT.heading;
  const canvas = new OffscreenCanvas(1, 1);
  const paper = init(canvas, null, { width, height, renderer: "canvas", devicePixelRatio: EXPORT.pixelRatio });
  const option = optionOf(spec, look, width, false);
  paper.setOption({
    ...option,
    backgroundColor: look.background,
    grid: { ...option.grid, top: option.grid.top + EXPORT.heading },
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
  paper.getZr().flush();
  return canvas.convertToBlob({ type: "image/png" }).finally(() => paper.dispose());
}

const orders = {
  begin: (id, about) => pictures.set(id, new Picture(about)),
  draw: (id, about) => pictures.get(id)?.draw(about),
  point: (id, about) => pictures.get(id)?.point(about),
  export: async (id, about) => self.postMessage({ id, png: await pngOf(about) }),
  end(id) {
    pictures.get(id)?.end();
    pictures.delete(id);
  },
};

// A worker has its own fonts. Text drawn before the font has loaded would not be redrawn; if loading fails, a
// fallback font is used.
const inter = new FontFace("Inter", "url(/fonts/inter.woff2)", { weight: "100 900" });
self.fonts.add(inter);
const font = inter.load().catch(() => {});

self.addEventListener("message", async ({ data: { id, order, ...about } }) => {
  await font;
  orders[order](id, about);
});
