// One run: the wait for the first token, then a tick for each chunk, and the longest gap between two.

import { number, tooltip, valueAxis } from "./common.js";

// From this value on the axis is in seconds.
const SECONDS_FROM_MS = 2000;

export const timeline = {
  option(spec, look) {
    const arrivals = arrivalsOf(spec);
    const end = arrivals.at(-1);
    const inSeconds = end >= SECONDS_FROM_MS;
    const axis = valueAxis(look);
    return {
      grid: { left: 14, right: 18, top: 34, bottom: 42, outerBoundsMode: "none" },
      tooltip: tooltip(look, {
        trigger: "axis",
        axisPointer: { type: "line", snap: true, lineStyle: { color: look.muted } },
        formatter: ([{ dataIndex }]) => tell(spec, arrivals, dataIndex),
      }),
      xAxis: {
        ...axis,
        max: end,
        axisLine: { show: true, lineStyle: { color: look.line } },
        splitLine: { show: false },
        axisLabel: { ...axis.axisLabel, showMaxLabel: false, formatter: (ms) => number(inSeconds ? ms / 1000 : ms) },
        name: inSeconds ? "seconds" : "milliseconds",
        nameLocation: "middle",
        nameGap: 24,
      },
      yAxis: { type: "value", show: false, min: 0, max: 1 },
      series: [waitSeries(spec, look), gapSeries(longestGap(spec, arrivals), look), tickSeries(spec, arrivals, look)],
    };
  },
};

function arrivalsOf(spec) {
  let now = spec.ttft_ms;
  return [now, ...spec.deltas_ms.map((delta) => (now += delta))];
}

// None below two gaps: a single gap has nothing to compare with.
function longestGap(spec, arrivals) {
  if (spec.deltas_ms.length < 2) return null;
  const index = spec.deltas_ms.reduce((longest, delta, at, all) => (delta > all[longest] ? at : longest), 0);
  return { from: arrivals[index], to: arrivals[index + 1], length: spec.deltas_ms[index] };
}

function tell(spec, arrivals, index) {
  if (index === 0) return `First chunk at ${number(spec.ttft_ms)} ms`;
  return `Chunk ${index + 1} at ${number(arrivals[index])} ms\n+${number(spec.deltas_ms[index - 1])} ms`;
}

const custom = (id, data, renderItem, more) => ({
  id,
  type: "custom",
  silent: true,
  tooltip: { show: false },
  encode: { x: 0, y: 2 },
  data,
  renderItem,
  ...more,
});

// The pixels between two moments, as high as the plot or less.
function span(api, from, to, [low, high]) {
  const [left, bottom] = api.coord([from, low]);
  const [right, top] = api.coord([to, high]);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function waitSeries(spec, look) {
  const text = `TTFT ${number(spec.ttft_ms)} ms`;
  return custom("wait", [[0, spec.ttft_ms, 0]], (_, api) => {
    const shape = span(api, 0, spec.ttft_ms, [0.04, 0.9]);
    const inside = shape.width > 96;
    return {
      type: "rect",
      shape,
      style: { fill: look.fill },
      textContent: { style: { text, fill: look.soft, fontSize: 12, fontFamily: look.font } },
      textConfig: inside ? { position: "inside" } : { position: [0, -16] },
    };
  });
}

function gapSeries(gap, look) {
  return custom("gap", gap ? [[gap.from, gap.to, 0]] : [], (params, api) => {
    const shape = span(api, gap.from, gap.to, [0.04, 1]);
    return {
      type: "group",
      children: [
        { type: "rect", shape, style: { fill: look.warning, opacity: 0.14 } },
        gapEnd(shape, look),
        gapText(`gap ${number(gap.length)} ms`, shape, params.coordSys, look),
      ],
    };
  });
}

// Where the chunk that was late arrived.
function gapEnd({ x, y, width, height }, look) {
  const shape = { x1: x + width, x2: x + width, y1: y, y2: y + height };
  return { type: "line", shape, style: { stroke: look.warning, lineDash: [3, 3] } };
}

function gapText(text, { x, y, width }, plot, look) {
  const nearEnd = x > plot.x + plot.width - 90;
  const place = nearEnd ? { x: x + width, align: "right" } : { x, align: "left" };
  const font = { fill: look.warning, fontSize: 12, fontFamily: look.font };
  return { type: "text", style: { text, ...place, y: y - 4, verticalAlign: "bottom", ...font } };
}

function tickSeries(spec, arrivals, look) {
  const stroke = look.hue(spec.hue);
  const tick = (_, api) => {
    const { x, y, height } = span(api, api.value(0), api.value(0), [0.12, 0.82]);
    return { type: "line", shape: { x1: x, x2: x, y1: y, y2: y + height }, style: { stroke, lineWidth: 1.6 } };
  };
  return custom("ticks", arrivals.map((at) => [at, at, 0.5]), tick, { silent: false, tooltip: {}, z: 3 });
}
