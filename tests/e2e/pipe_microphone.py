"""A named pipe in the place of a microphone: 16-bit samples of 16 kHz at their pace, whoever listens."""
import errno
import os
import queue
import signal
import threading
import time

PIECE = 640  # bytes of 20 ms


class PipeMicrophone:
    """Hears `background` (bytes) over and over, and now and then what `say` is given."""

    def __init__(self, path, background):
        self.path = str(path)
        os.mkfifo(self.path)
        self.background, self.at = background, 0
        self.pieces = queue.SimpleQueue()
        self.gone = threading.Event()  # while it is set, the pipe has no writer
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def say(self, samples):
        samples += bytes(-len(samples) % PIECE)
        for at in range(0, len(samples), PIECE):
            self.pieces.put(samples[at:at + PIECE])

    def is_listened_to(self):
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            assert error.errno == errno.ENXIO
            return False
        return True

    def next_piece(self):
        if not self.pieces.empty():
            return self.pieces.get()
        piece = b""
        while len(piece) < PIECE:
            more = self.background[self.at:self.at + PIECE - len(piece)]
            piece += more
            self.at = (self.at + len(more)) % len(self.background)
        return piece

    def run(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])
        pipe, due = None, time.monotonic()
        while not self.ended.is_set():
            due = max(due + 0.02, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))
            try:
                if self.gone.is_set() and pipe is not None:
                    os.close(pipe)
                    pipe = None
                if self.gone.is_set():
                    continue
                pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK) if pipe is None else pipe
                os.write(pipe, self.next_piece())
            except BlockingIOError:
                pass
            except OSError:  # nobody listens
                if pipe is not None:
                    os.close(pipe)
                pipe = None
        if pipe is not None:
            os.close(pipe)

    def close(self):
        self.ended.set()
        self.thread.join()
