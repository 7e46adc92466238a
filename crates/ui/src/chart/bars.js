// One bar per row, starting at zero, with a whisker for the interval at its end.

import { named, number, simulatedBar, tooltip, valueAxis } from "./common.js";
import { shortened, widest } from "./text.js";

export const bars = {
  option(spec, look, width) {
    const labels = spec.rows.map((row) => row.label);
    const room = Math.min(Math.ceil(widest(labels, look)) + 4, Math.floor(width * 0.4));
    return {
      grid: { left: room + 10, right: 20, top: 6, bottom: 26, outerBoundsMode: "none" },
      tooltip: tooltip(look, {
        trigger: "axis",
        axisPointer: { type: "none" },
        formatter: ([{ dataIndex }]) => tell(spec, dataIndex),
      }),
      xAxis: valueAxis(look),
      yAxis: {
        type: "category",
        inverse: true,
        data: labels,
        axisLine: { lineStyle: { color: look.line } },
        axisTick: { show: false },
        axisLabel: { color: look.soft, fontSize: 12, interval: 0, formatter: (label) => shortened(label, room, look) },
      },
      series: [barSeries(spec, look), whiskerSeries(spec, look)],
    };
  },
};

function tell(spec, index) {
  const row = spec.rows[index];
  if (!row) return "";
  if (row.value === null) return `${named(row)}\nno result yet`;
  const interval = row.interval ? `\n95 % interval ${row.interval.map(number).join(" to ")}` : "";
  return `${named(row)}\n${number(row.value)} ${spec.unit}${interval}`;
}

function barSeries(spec, look) {
  const real = { opacity: 0.88, decal: null };
  const styleOf = (row) => ({ color: look.hue(row.hue), ...(row.simulated ? simulatedBar(look) : real) });
  return {
    id: "bars",
    type: "bar",
    barMaxWidth: 18,
    itemStyle: { borderRadius: [0, 4, 4, 0] },
    data: spec.rows.map((row) => ({ value: row.value ?? "-", itemStyle: styleOf(row) })),
  };
}

function whiskerSeries(spec, look) {
  return {
    id: "whiskers",
    type: "custom",
    silent: true,
    z: 3,
    tooltip: { show: false },
    encode: { x: [1, 2], y: 0 },
    data: spec.rows.flatMap((row, index) => (row.interval ? [[index, ...row.interval]] : [])),
    renderItem: (_, api) => whisker(api, look.ink),
  };
}

function whisker(api, ink) {
  const [left, y] = api.coord([api.value(1), api.value(0)]);
  const [right] = api.coord([api.value(2), api.value(0)]);
  const style = { stroke: ink, lineWidth: 1.4 };
  const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
  const end = (x) => line(x, y - 5, x, y + 5);
  return { type: "group", children: [line(left, y, right, y), end(left), end(right)] };
}
