"""The rules of bench.check on a file ten times as large, whose memory is bounded."""
