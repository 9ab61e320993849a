// The browser's microphone as 16-bit samples of 16 kHz, in pieces of 40 ms, each with its level.
const RATE_HZ = 16000;

export const isAvailable = () => window.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia) && typeof AudioWorkletNode === "function";

let context = null, users = 0;

async function prepare() {
  if (context === null || context.state === "closed") {
    context = new AudioContext({sampleRate: RATE_HZ, latencyHint: "interactive"});
    await context.audioWorklet.addModule("/panel/microphone-worklet.js");
  }
  // Also when it runs: a suspension may be under way.
  await context.resume();
}

// piece(Int16Array, level 0..1). Resolves with a function that closes the microphone.
export async function open(piece) {
  let stream = null;
  const close = () => {
    stream?.getTracks().forEach(track => track.stop());
    if (--users === 0)
      context?.suspend();
  };
  users++;
  try {
    stream = await navigator.mediaDevices.getUserMedia({audio: {channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: true}});
    await prepare();
    const source = new MediaStreamAudioSourceNode(context, {mediaStream: stream});
    const worklet = new AudioWorkletNode(context, "va-microphone", {numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit"});
    worklet.port.onmessage = ({data}) => piece(new Int16Array(data.samples), data.level);
    source.connect(worklet);
    return () => {
      worklet.port.onmessage = null;
      source.disconnect();
      close();
    };
  } catch (error) {
    close();
    throw error;
  }
}
