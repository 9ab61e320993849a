"""A microphone and a loudspeaker that fail as told: the ALSA module of tests/doubles/fault_pcm.c, which explains the script."""
import os

MODULE = os.path.join("tests", "doubles", "libasound_module_pcm_va_fault.so")


def find_module(program):
    """Beside the program, where it was built with its tests, or in the folder of the unit tests. None: it is not built."""
    build = os.path.join(os.path.dirname(program), "..", "..")
    for folder in (build, os.path.join(build, "..", "build-check")):
        if os.path.exists(os.path.join(folder, MODULE)):
            return os.path.realpath(os.path.join(folder, MODULE))
    return None


def allowed(program):
    """What a confined program must be let to: the module, and what the device plays into. Empty where there is no such device."""
    config = os.environ.get("ALSA_CONFIG_PATH")
    return f"{os.path.dirname(find_module(program))},{os.path.dirname(config)}" if config and find_module(program) else ""


class FaultDevice:
    """ALSA's only devices are "va_test", which records `sound` (S16 mono 16 kHz) and plays into `played`, and "default", the same."""

    def __init__(self, program, folder, sound=None, repeat=False, delay_ms=0):
        self.module = find_module(program)
        self.path = os.path.join(folder, "script")
        self.sound = os.path.join(folder, "said.raw")
        self.played = os.path.join(folder, "played.raw")
        self.config = os.path.join(folder, "asound.conf")
        recorded = ""
        if sound is not None:
            with open(self.sound, "wb") as file:
                file.write(sound)
            recorded = f'file "{self.sound}"'
        device = "type asym " \
            f'capture.pcm {{ type va_fault script "{self.path}" {recorded} repeat {int(repeat)} }} ' \
            f'playback.pcm {{ type va_fault script "{self.path}" file "{self.played}" delay {delay_ms} }} '
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f'pcm_type.va_fault {{ lib "{self.module}" }}\n')
            file.write(f'pcm.va_test {{ {device} hint {{ show on description "A device for tests" }} }}\n')
            file.write(f"pcm.!default {{ {device} }}\n")
        self.script("")

    @property
    def is_built(self):
        return self.module is not None

    def script(self, *lines):
        """What the device does from now on."""
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        os.rename(self.path + ".new", self.path)

    def is_open(self, pid):
        """Whether the process has the microphone open, where it records a file."""
        folder = f"/proc/{pid}/fd"
        return any(os.path.realpath(os.path.join(folder, fd)) == os.path.realpath(self.sound) for fd in os.listdir(folder))
