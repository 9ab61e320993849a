// Runs in the audio thread: gathers 40 ms of samples and hands them over.
const PIECE = 640;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.begin();
  }

  begin() {
    this.samples = new Int16Array(PIECE);
    this.n = 0;
    this.energy = 0;
  }

  process([input]) {
    const channel = input[0];
    if (channel === undefined)
      return true;
    for (const value of channel) {
      const sample = Math.max(-1, Math.min(1, value));
      this.samples[this.n++] = Math.round(sample * 32767);
      this.energy += sample * sample;
      if (this.n === PIECE) {
        const decibels = 10 * Math.log10(this.energy / PIECE + 1e-9), level = Math.max(0, Math.min(1, (decibels + 60) / 50));
        this.port.postMessage({samples: this.samples.buffer, level}, [this.samples.buffer]);
        this.begin();
      }
    }
    return true;
  }
}

registerProcessor("va-microphone", Microphone);
