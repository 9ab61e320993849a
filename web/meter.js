// The level as bars that move along, and rings that breathe with it. Drawn at most once a frame, and only while somebody talks:
// a canvas and transforms, so nothing is laid out.
const BARS = 40, STEP_MS = 50;

export class Meter {
  constructor(canvas, rings) {
    this.canvas = canvas;
    this.rings = rings;
    this.frame = 0;
    this.isStill = matchMedia("(prefers-reduced-motion: reduce)");
  }

  start() {
    const scale = Math.min(3, devicePixelRatio || 1), style = getComputedStyle(this.canvas);
    this.width = 240;
    this.height = 28;
    this.canvas.width = this.width * scale;
    this.canvas.height = this.height * scale;
    this.context = this.canvas.getContext("2d");
    this.context.scale(scale, scale);
    this.context.fillStyle = style.getPropertyValue("--accent");
    this.bars = new Float32Array(BARS);
    this.at = this.level = this.shown = this.peak = 0;
    this.due = performance.now();
    if (!this.frame)
      this.frame = requestAnimationFrame(time => this.draw(time));
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.context?.clearRect(0, 0, this.width, this.height);
    for (const ring of this.rings)
      ring.style.transform = "scale(1)";
  }

  set(level) {
    this.level = level;
    this.peak = Math.max(this.peak, level);
  }

  draw(time) {
    this.frame = requestAnimationFrame(next => this.draw(next));
    while (time - this.due >= STEP_MS) {
      this.bars[this.at++ % BARS] = this.peak;
      this.peak = this.level;
      this.due += STEP_MS;
    }
    this.shown += (this.level - this.shown) * (this.level > this.shown ? 0.45 : 0.12);
    const {context, width, height} = this;
    context.clearRect(0, 0, width, height);
    if (this.isStill.matches) {
      context.fillRect(0, height / 2 - 4, width * this.shown, 8);
      return;
    }
    context.beginPath();
    for (let i = 0; i < BARS; i++) {
      const value = this.bars[(this.at + i) % BARS], tall = Math.max(3, value * height);
      context.roundRect(i * 6 + 1, (height - tall) / 2, 4, tall, 2);
    }
    context.fill();
    this.rings[0].style.transform = `scale(${1 + this.shown * 0.34})`;
    this.rings[1].style.transform = `scale(${1 + this.shown * 0.2})`;
  }
}
