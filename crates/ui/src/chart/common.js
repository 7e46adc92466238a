// Shared by all charts.

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

export const number = (value) => plain.format(value);

export const valueAxis = (look) => ({
  type: "value",
  min: 0,
  splitNumber: 4,
  axisLine: { show: false },
  axisTick: { show: false },
  axisLabel: { color: look.soft, fontSize: 12, hideOverlap: true },
  splitLine: { lineStyle: { color: look.line, type: [2, 4] } },
  nameTextStyle: { color: look.muted, fontSize: 12 },
});

// Rich text is drawn on the canvas, because the content security policy forbids inline styles in HTML.
export const tooltip = (look, more) => ({
  renderMode: "richText",
  confine: true,
  backgroundColor: look.background,
  borderColor: look.line,
  textStyle: { color: look.ink, fontSize: 12, fontFamily: look.font },
  ...more,
});

// Simulated results differ from real ones by pattern, not only by colour.
export const simulatedBar = (look) => ({
  opacity: 0.6,
  decal: { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: Math.PI / 4, color: look.background },
});

// Rich text reads {style|text} as a style. A word joiner, which is not visible, keeps it as it is.
const literal = (text) => text.replace(/\{(?=\w+\|)/g, "{\u2060");

export const named = (point) => literal(point.simulated ? `${point.label} (simulated)` : point.label);
