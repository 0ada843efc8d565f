// Socket.IO on Node.js: receivers join a room, whatever anybody says goes to the room.
const { createServer } = require("node:http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });

io.on("connection", (socket) => {
  if (socket.handshake.query.role === "receiver") {
    socket.join("room");
  }
  socket.on("message", (text) => io.to("room").emit("message", text));
});

http.listen(Number(process.argv[2]), "127.0.0.1");
