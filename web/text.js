// Every text of the panel, in English. Another language is another such file; app.js takes it from here.
export const text = {
  appName: "Assistant",
  nav: {label: "Screens", talk: "Talk", commands: "Commands", timers: "Timers", history: "History", system: "System", settings: "Settings"},
  state: {
    label: "What the assistant is doing",
    connecting: "Connecting", lost: "No connection", idle: "Ready", off: "Ready", wake: "Yes?", woken: "Yes?", listening: "Listening", recording: "Recording",
    transcribing: "Transcribing", thinking: "Thinking", acting: "Working on it", speaking: "Speaking", privacy: "Not listening",
  },
  privacy: {
    label: "Privacy mode", short: "Privacy", on: "Privacy mode is on", nobody: "The microphone is closed. Nobody is listening.",
    turnOff: "Turn privacy mode off", isOn: "Privacy mode is on. The microphone is closed.",
    isOff: "Privacy mode is off.", failed: message => `Privacy mode: ${message}`,
  },
  talk: {
    title: "Talk", button: "Talk", stop: "Stop", hold: "Hold to talk, or tap", hint: "Hold the button and speak, or tap it and speak.",
    listening: "Go on, I am listening.", thinking: "One moment", type: "Type a command", send: "Send", tapAgain: "Tap to end",
    nothingHeard: "I heard nothing.", noCommand: "I did not understand that as a command.", heardLabel: "Heard", replyLabel: "Reply", level: "Level of the microphone",
    yes: "Yes", no: "No", cancelled: "Cancelled.",
    noMicrophone: "This browser gives no microphone, so the assistant's own is used.",
    denied: "The browser may not use the microphone. The assistant's own is used.",
    noListening: "The assistant has no microphone.", done: "Done.", failed: "That did not work.", lost: "The connection was lost.",
  },
  commands: {
    title: "Commands", search: "Find a command", none: "No command fits.", run: sentence => `Run: ${sentence}`, empty: "There are no commands.",
    fill: sentence => `Write: ${sentence}`,
  },
  timers: {
    title: "Timers", none: "No timer is running.", say: "Say or tap one of these:", timer: "Timer", alarm: "Alarm", stop: name => `Stop ${name}`,
    stopped: "Stopped.", done: "Done", quick: [["1 min", "set a timer for one minute"], ["5 min", "set a timer for five minutes"], ["10 min", "set a timer for ten minutes"], ["30 min", "set a timer for thirty minutes"]],
    at: time => `at ${time}`, rings: "A timer has ended",
  },
  history: {
    title: "History", search: "Search the history", none: "Nothing has been said yet.", noMatch: "Nothing fits.", off: "The history is off: nothing is kept.", more: "Show more",
    exportJson: "JSON lines", exportCsv: "Table (CSV)", remove: entry => `Delete: ${entry}`, removeAll: "Delete all",
    askAll: "Delete the whole history? This cannot be undone.", removed: "Deleted.", today: "Today", yesterday: "Yesterday",
  },
  system: {
    title: "System", healthy: "Everything works", unhealthy: "Something is wrong", cpu: "Processor", memory: "Memory", disk: "Disk",
    microphone: "Microphone", power: "Power", battery: "Battery", notPresent: "Not present", mode: "Mode", charging: "charging", discharging: "on battery",
    voltage: "Voltage", wifi: "Wi-Fi", switchedOn: "on", switchedOff: "off", temperature: "Processor", throttled: "slowed down", uptime: "Running for", version: "Version", model: "Model", queue: "Waiting", transcriptions: "Transcriptions", commands: "Commands", about: "Assistant",
    level: "Level", device: "Device", cores: n => `${n} cores`, modes: {"low-power": "Low power", balanced: "Balanced", performance: "Performance"},
    microphoneStates: {closed: "closed", open: "open", lost: "lost", ended: "ended"}, state: "State",
  },
  settings: {
    title: "Settings", panel: "This panel", theme: "Colours", themes: {auto: "Auto", light: "Light", dark: "Dark"},
    size: "Text size", sizes: {normal: "Normal", large: "Large", larger: "Larger"},
    microphone: "Microphone to talk with", microphones: {auto: "Auto", device: "Here", assistant: "Assistant"},
    restart: "A change counts after a restart.", saved: "Saved.", savedForLater: "Saved. It counts after a restart.", pending: "Changed; waits for a restart.",
    fixed: "Not changeable here, only in the configuration file.", overridden: "The command line says otherwise.", takeBack: name => `Take back: ${name}`, savedRestart: "Saved. It counts after a restart.", savedOverridden: "Saved, but the command line says otherwise.", access: "Access", signOut: "Sign out",
    pair: "Pair a phone", pairHint: "Shows a code that a phone can scan. It works once, for a few minutes.", show: "Show the code", pairing: "Scan this with the phone's camera.", fingerprint: "SHA-256 fingerprint of the certificate:",
    expires: time => `Valid for ${time}`, expired: "The code has expired.", again: "New code", advanced: "All options",
  },
  pair: {
    title: "Connect this device", certificate: "Trust the assistant's certificate", certificateHint: "Did the browser warn of this page? Then get the certificate first, install it, and scan the code again.",
    compare: "Before you trust it, compare its SHA-256 fingerprint with the one beside the code. If they differ, stop.",
    get: "Get the certificate", name: "A name for this device", noCode: "There is no code in this link. Scan the code again.", done: "Connected. Opening the panel.",
    defaultName: "phone", nameHint: "It appears in the list of tokens.", go: "Connect this device",
  },
  signIn: {
    title: "Sign in", hint: "This assistant asks for a token. Paste one, or scan the pairing code that another panel shows under Settings.",
    token: "Token", go: "Sign in", wrong: "The token was not accepted.", wait: s => `Too many tries. Wait ${s} seconds.`,
  },
  errors: {offline: "The assistant does not answer.", forbidden: "This device may not do that.", busy: "The assistant is busy. Try again in a moment."},
  ok: "OK", cancel: "Cancel", skip: "Skip to content",
};
