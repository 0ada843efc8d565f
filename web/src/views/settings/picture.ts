// A chosen picture as the server takes it: small, square, and short enough.

const SIZE = 128;
const MAX_CHARACTERS = 40_000;
// The better ones first. A browser that cannot write a type answers with another.
const ATTEMPTS: readonly (readonly [type: string, quality: number])[] = [
  ["image/webp", 0.9],
  ["image/webp", 0.75],
  ["image/jpeg", 0.85],
  ["image/jpeg", 0.6],
  ["image/jpeg", 0.3],
];

/** Return the largest square in the middle. */
export function middleSquare(
  width: number,
  height: number,
): { x: number; y: number; side: number } {
  const side = Math.min(width, height);
  return { x: Math.floor((width - side) / 2), y: Math.floor((height - side) / 2), side };
}

/** Return the first that is of its type and short enough; null where there is none. */
export function firstThatFits(write: (type: string, quality: number) => string): string | null {
  for (const [type, quality] of ATTEMPTS) {
    const url = write(type, quality);
    if (url.startsWith(`data:${type};base64,`) && url.length <= MAX_CHARACTERS) return url;
  }
  return null;
}

/** Return a `data:` URL of a file's middle; null where it is no picture that the browser reads. */
export async function asPicture(file: Blob): Promise<string | null> {
  const image = await createImageBitmap(file).catch(() => null);
  if (image === null) return null;
  const canvas = document.createElement("canvas");
  canvas.width = SIZE;
  canvas.height = SIZE;
  const paper = canvas.getContext("2d");
  if (paper === null) return null;
  const { x, y, side } = middleSquare(image.width, image.height);
  // Not every type can be see-through.
  paper.fillStyle = "white";
  paper.fillRect(0, 0, SIZE, SIZE);
  paper.imageSmoothingQuality = "high";
  paper.drawImage(image, x, y, side, side, 0, 0, SIZE, SIZE);
  image.close();
  return firstThatFits((type, quality) => canvas.toDataURL(type, quality));
}
