// Puts a .br and a .gz beside every built file that gets smaller by it, and says how big the first
// load is. Fails where its scripts are above the limit.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const DIRECTORY = new URL("../../src/chatterroom/web_files/", import.meta.url).pathname;
const MAX_SCRIPT_BYTES = 200 * 1024;
const TEXT = /\.(html|js|css|svg|json|webmanifest|txt)$/;

const names = readdirSync(DIRECTORY, { recursive: true }).map(String);
const gzipped = new Map();
for (const name of names) {
  const path = join(DIRECTORY, name);
  if (!TEXT.test(name) || !statSync(path).isFile()) continue;
  const body = readFileSync(path);
  const gz = gzipSync(body, { level: 9 });
  const br = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: body.length } });
  gzipped.set(name, gz.length);
  if (gz.length < body.length) writeFileSync(`${path}.gz`, gz);
  if (br.length < body.length) writeFileSync(`${path}.br`, br);
}

// What the page names is loaded first; the rest when it is needed.
const page = readFileSync(join(DIRECTORY, "index.html"), "utf-8");
const first = [...gzipped].filter(([name]) => name.endsWith(".js") && page.includes(name));
const bytes = first.reduce((sum, [, size]) => sum + size, 0);
console.log(`first load: ${(bytes / 1024).toFixed(1)} KB of script, gzipped`);
if (bytes > MAX_SCRIPT_BYTES) {
  console.error(`that is more than ${MAX_SCRIPT_BYTES / 1024} KB`);
  process.exit(1);
}
