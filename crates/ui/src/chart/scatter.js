// A labelled point per model: two quantities against each other.

import { named, number, tooltip, valueAxis } from "./common.js";

const SYMBOL = 11;

export const scatter = {
  option(spec, look) {
    const axis = (side) => ({ ...valueAxis(look), name: `${side.name} (${side.unit})` });
    return {
      grid: { left: 8, right: 24, top: 30, bottom: 26, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      tooltip: tooltip(look, { trigger: "item", formatter: ({ dataIndex }) => tooltipText(spec, dataIndex) }),
      xAxis: { ...axis(spec.x), nameLocation: "middle", nameGap: 24 },
      yAxis: { ...axis(spec.y), nameLocation: "end", nameGap: 12, nameTextStyle: { color: look.muted, fontSize: 12, align: "left" } },
      series: [pointSeries(spec, look)],
    };
  },
};

function pointSeries(spec, look) {
  const middle = Math.max(...spec.points.map((point) => point.x)) / 2;
  return {
    id: "points",
    type: "scatter",
    symbolSize: SYMBOL,
    cursor: "default",
    label: { show: true, color: look.soft, fontSize: 12, formatter: ({ dataIndex }) => spec.points[dataIndex]?.label ?? "" },
    labelLayout: { hideOverlap: true, moveOverlap: "shiftY" },
    data: spec.points.map((point) => ({
      value: [point.x, point.y],
      itemStyle: styleOf(point, look),
      // Labels stay inside the chart.
      label: { position: point.x > middle ? "left" : "right" },
    })),
  };
}

// Simulated points are hollow.
function styleOf(point, look) {
  const hue = look.hue(point.hue);
  return { color: point.simulated ? look.background : hue, borderColor: hue, borderWidth: 2, opacity: 1 };
}

function tooltipText(spec, index) {
  const point = spec.points[index];
  if (!point) return "";
  const line = (side, value) => `${side.name}: ${number(value)} ${side.unit}`;
  return [named(point), line(spec.x, point.x), line(spec.y, point.y)].join("\n");
}
