// The page's colours and font, for drawing on a canvas.

const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
const brush = pixel.getContext("2d", { willReadFrequently: true });

// Converts any CSS colour to rgb(): the chart library computes with colours and does not support oklch().
function rgb(color) {
  brush.clearRect(0, 0, 1, 1);
  brush.fillStyle = color;
  brush.fillRect(0, 0, 1, 1);
  return `rgb(${[...brush.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(", ")})`;
}

// Read on each draw, because the theme may have changed. `host` is an element of the page.
export function lookOf(host, spec) {
  const style = getComputedStyle(host);
  const color = (name) => rgb(style.getPropertyValue(name).trim());
  return {
    font: style.fontFamily,
    background: color("--color-base-100"),
    ink: color("--color-base-content"),
    soft: color("--ink-soft"),
    muted: color("--ink-muted"),
    line: color("--color-base-300"),
    fill: color("--line-soft"),
    warning: color("--color-warning"),
    hues: Object.fromEntries(keysOf(spec).map((key) => [key, hueOf(host, key)])),
  };
}

// The keys of the hues that the chart shows.
function keysOf({ rows = [], points = [], hue }) {
  const keys = [...rows, ...points].map((item) => item.hue);
  return [...new Set(hue === undefined ? keys : [...keys, hue])];
}

// style/hues.css gives an element its hue by `data-hue`.
function hueOf(host, key) {
  const probe = document.createElement("i");
  probe.dataset.hue = key;
  host.append(probe);
  const hue = rgb(getComputedStyle(probe).getPropertyValue("--hue").trim());
  probe.remove();
  return hue;
}
