"""Frames of a connection as they come: one that is too large is refused by its head, before its octets are kept."""

from __future__ import annotations

from h2.exceptions import FrameTooLargeError
from h2.frame_buffer import FrameBuffer
from hyperframe.frame import Frame

HEAD = 9


class Frames(FrameBuffer):
    """h2 looks at the length once all of the frame is there, which may be 16 MB (RFC 9113 §4.2)."""

    def __next__(self) -> Frame:
        if len(self._data) >= HEAD:
            length = int.from_bytes(self._data[:3], "big")
            if length > self.max_frame_size:
                raise FrameTooLargeError(
                    f"a frame of {length} octets, at most {self.max_frame_size} are allowed"
                )
        return super().__next__()
