// A short sound, made here: the content policy lets no media through, and none is needed.

let context: AudioContext | null = null;

/** Play it. A browser may refuse until the user has done something on the page; then it is quiet. */
export function chime(): void {
  context ??= new AudioContext();
  const { currentTime: start, destination } = context;
  for (const [at, hertz] of [
    [0, 660],
    [0.12, 880],
  ] as const) {
    const tone = new OscillatorNode(context, { frequency: hertz });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, start + at);
    volume.gain.linearRampToValueAtTime(0.12, start + at + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.001, start + at + 0.25);
    tone.connect(volume).connect(destination);
    tone.start(start + at);
    tone.stop(start + at + 0.3);
  }
}
