// The health check of a MongoDB container. The first one makes it a replica set of one and its
// service's user; healthy means that it takes writes from that user.
//
// It comes as MongoDB's internal user, whose password is the key file: the localhost exception,
// by which anybody in the container could make the first user, stays closed.

const fs = require("fs");
const secret = (name) => fs.readFileSync(`/run/chatterroom/secrets/${name}`, "utf8").trim();
const { MEMBER, DATABASE } = process.env;

db.getSiblingDB("local").auth("__system", secret("mongo-key-file"));
try {
  rs.status();
} catch (error) {
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: `${MEMBER}:27017` }] });
}
if (!db.hello().isWritablePrimary) {
  quit(1);
}
const admin = db.getSiblingDB("admin");
if (admin.getUser(DATABASE) === null) {
  admin.createUser({
    user: DATABASE,
    pwd: secret("mongo-password"),
    roles: [{ role: "readWrite", db: DATABASE }],
  });
}
quit(0);
