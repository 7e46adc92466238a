// Widths of drawn texts.

const brush = new OffscreenCanvas(1, 1).getContext("2d");

// The width of the widest text, in pixels.
export function widest(texts, look) {
  brush.font = `12px ${look.font}`;
  return Math.max(0, ...texts.map((text) => brush.measureText(text).width));
}

// Shortens the text in the middle until it fits. The part after the last " · ", such as a context size,
// distinguishes it from others of the same name and is kept.
export function shortened(text, room, look) {
  if (widest([text], look) <= room) return text;
  const place = text.lastIndexOf(" · ");
  const tail = place < 0 ? "" : text.slice(place);
  let head = place < 0 ? text : text.slice(0, place);
  while (head && widest([`${head}…${tail}`], look) > room) head = head.slice(0, -1);
  return `${head.trimEnd()}…${tail}`;
}
