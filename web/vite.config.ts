import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { emojiData } from "./scripts/emoji_data.mjs";

const GATEWAY = process.env["GATEWAY"] ?? "http://127.0.0.1:8080";
// The gateway takes sockets of its own origin only: it must see the host that the page is from.
const toGateway = { target: GATEWAY, changeOrigin: false };

export default defineConfig({
  plugins: [react(), emojiData()],
  resolve: {
    alias: {
      entities: fileURLToPath(new URL("./src/views/conversation/no_entities.ts", import.meta.url)),
    },
  },
  build: {
    outDir: "../src/chatterroom/web_files",
    emptyOutDir: true,
    target: "es2022",
    // Everything is a file of its own: the content policy lets nothing inline through.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/user-service": toGateway,
      "/chat-service": toGateway,
      "/ws": { ...toGateway, ws: true },
    },
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "node",
    // So that they read messages with the same grammar as the browser.
    server: { deps: { inline: ["markdown-it"] } },
    // Ends what hangs; what is slow on a busy machine is let be.
    testTimeout: 60_000,
  },
});
