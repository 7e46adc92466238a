// The page's colours and type, for a canvas to draw with.

const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
const brush = pixel.getContext("2d", { willReadFrequently: true });

// Any colour of CSS as rgb(): the chart library computes with it and knows no oklch().
function rgb(color) {
  brush.clearRect(0, 0, 1, 1);
  brush.fillStyle = color;
  brush.fillRect(0, 0, 1, 1);
  return `rgb(${[...brush.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(", ")})`;
}

// Read each time that something is drawn: the theme may have changed. `host` is inside of the page.
export function lookOf(host) {
  const style = getComputedStyle(host);
  const color = (name) => rgb(style.getPropertyValue(name).trim());
  const hues = new Map();
  return {
    font: style.fontFamily,
    background: color("--color-base-100"),
    ink: color("--color-base-content"),
    soft: color("--ink-soft"),
    muted: color("--ink-muted"),
    line: color("--color-base-300"),
    fill: color("--line-soft"),
    warning: color("--color-warning"),
    hue(key) {
      if (!hues.has(key)) hues.set(key, hueOf(host, key));
      return hues.get(key);
    },
  };
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

// The width of the widest text, in pixels.
export function widest(texts, look) {
  brush.font = `12px ${look.font}`;
  return Math.max(0, ...texts.map((text) => brush.measureText(text).width));
}

// The text with as much of the middle left out as does not fit. What stands behind the last " · ", such
// as a context size, tells it from others of its name and stays.
export function shortened(text, room, look) {
  if (widest([text], look) <= room) return text;
  const place = text.lastIndexOf(" · ");
  const tail = place < 0 ? "" : text.slice(place);
  let head = place < 0 ? text : text.slice(0, place);
  while (head && widest([`${head}…${tail}`], look) > room) head = head.slice(0, -1);
  return `${head.trimEnd()}…${tail}`;
}
