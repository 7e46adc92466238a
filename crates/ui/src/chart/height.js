// The height that charts need, computed before drawing.

const ROW = 34;
const AXIS = 34;

// In pixels; 0 for charts that fit any box.
export const heightOf = (spec) => (spec.kind === "bars" ? spec.rows.length * ROW + AXIS : 0);
