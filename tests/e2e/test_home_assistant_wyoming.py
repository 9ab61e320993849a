"""Wyoming by Home Assistant's own code: the parts that its users choose; `make test-home-assistant` prepares it."""
import glob
import json
import os
import shutil
import subprocess

import pytest

import home_assistant

pytest.importorskip("wyoming")

from test_listen import decoded, silence  # noqa: E402
from test_wyoming import JFK, Wyoming, arguments, likeness  # noqa: E402, F401  (arguments is a fixture)

# Run by Home Assistant's Python: port, file of speech, file with a wake word.
SCRIPT = """
import asyncio, json, sys, types
from homeassistant.components import stt
from homeassistant.components.wyoming.data import WyomingService
from homeassistant.components.wyoming.stt import WyomingSttProvider
from homeassistant.components.wyoming.tts import WyomingTtsProvider
from homeassistant.components.wyoming.wake_word import WyomingWakeWordProvider

entry = types.SimpleNamespace(entry_id="x", title="x")

async def pieces(path, with_time):
    with open(path, "rb") as f:
        data = f.read()
    for at in range(0, len(data), 2048):
        yield (data[at:at + 2048], at // 32) if with_time else data[at:at + 2048]

async def main():
    service = await WyomingService.create("127.0.0.1", int(sys.argv[1]))
    said = {"platforms": sorted(str(platform) for platform in service.platforms), "name": service.get_name()}
    provider = WyomingSttProvider(entry, service)
    metadata = stt.SpeechMetadata(language="en", format=stt.AudioFormats.WAV, codec=stt.AudioCodecs.PCM, bit_rate=stt.AudioBitRates.BITRATE_16,
                                  sample_rate=stt.AudioSampleRates.SAMPLERATE_16000, channel=stt.AudioChannels.CHANNEL_MONO)
    result = await provider.async_process_audio_stream(metadata, pieces(sys.argv[2], False))
    said.update(languages=provider.supported_languages, result=result.result.value, text=result.text)
    words = WyomingWakeWordProvider(None, entry, service)
    said["words"] = [word.id for word in await words.get_supported_wake_words()]
    found = await words._async_process_audio_stream(pieces(sys.argv[3], True), said["words"][0])
    said["woken"] = found and found.wake_word_id
    speaker = WyomingTtsProvider(entry, service)
    kind, data = await speaker.async_get_tts_audio("Good morning.", speaker.default_language, {})
    said.update(kind=kind, sound=len(data), voices=[voice.name for voice in speaker.async_get_supported_voices("en")])
    print(json.dumps(said))

asyncio.run(main())
"""


@pytest.mark.skipif(not home_assistant.is_prepared(), reason="Home Assistant is not prepared: make test-home-assistant")
@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
def test_what_its_users_choose(program, arguments, shared_data, tmp_path):  # noqa: F811
    words = sorted(glob.glob(os.path.join(shared_data, "wakeword_picovoice", "alexa_*.flac")))
    (tmp_path / "speech").write_bytes(decoded(os.path.join(shared_data, "misc_read", "jfk.flac")))
    (tmp_path / "words").write_bytes(b"".join(silence(1) + decoded(path) for path in words[:4]) + silence(1))
    server = Wyoming(program, *arguments, folder=tmp_path)
    try:
        answer = subprocess.run([home_assistant.python(), "-c", SCRIPT, str(server.port), tmp_path / "speech", tmp_path / "words"],
                                capture_output=True, text=True, timeout=300, check=False)
        assert answer.returncode == 0, answer.stderr
    finally:
        assert server.stop() == 0
    said = json.loads(answer.stdout.splitlines()[-1])
    assert said["platforms"] == ["stt", "tts", "wake_word"] and said["name"] == "voice-assistant"
    assert said["result"] == "success" and likeness(said["text"], JFK) > 0.9 and said["languages"] == ["en"]
    assert said["words"] == ["Alexa"] and said["woken"] == "Alexa"
    assert said["kind"] == "wav" and said["sound"] > 20000 and said["voices"]
