// Plots of `{labels, datasets}`: samples as a line, a spectrum as bars.

/** Draws into a canvas, in its colour. */
export function plot(canvas, chart, kind) {
  const data = (chart?.datasets?.[0]?.data ?? []).map((value) => (Number.isFinite(value) ? value : 0));
  const ratio = devicePixelRatio;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (width === 0) return;
  // Which also clears it.
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  pen.strokeStyle = pen.fillStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 1.5 * ratio;
  pen.lineJoin = "round";
  if (kind === "bars") bars(pen, data, width, height);
  else line(pen, data, width, height);
  const labels = chart?.labels ?? [];
  const [least, most] = data.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [0, 0]);
  const what = kind === "bars" ? `Strongest at ${labels[data.indexOf(most)] ?? "?"} Hz` : `From ${least} to ${most}`;
  canvas.setAttribute("aria-label", data.length ? what : "nothing");
}

function line(pen, data, width, height) {
  const reach = Math.max(1e-9, ...data.map(Math.abs)) * 1.1;
  pen.beginPath();
  data.forEach((value, at) => {
    pen.lineTo((width * at) / Math.max(1, data.length - 1), (height * (1 - value / reach)) / 2);
  });
  pen.stroke();
}

function bars(pen, data, width, height) {
  const most = Math.max(1e-9, ...data);
  const room = width / Math.max(1, data.length);
  data.forEach((value, at) => {
    const tall = (height * value) / most;
    pen.fillRect(at * room, height - tall, Math.max(1, 0.8 * room), tall);
  });
}
