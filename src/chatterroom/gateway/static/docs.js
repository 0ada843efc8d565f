// Shows /openapi.json. All text goes through textContent.
"use strict";

const METHODS = ["get", "post", "put", "delete", "patch"];

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children.filter(Boolean));
  return made;
}

function styled(name, className, text) {
  const made = element(name, text);
  made.className = className;
  return made;
}

function resolve(document, schema) {
  if (!schema || !schema.$ref) return schema || {};
  const name = schema.$ref.split("/").pop();
  return document.components.schemas[name] || {};
}

function example(document, schema, depth = 0) {
  const found = resolve(document, schema);
  if (depth > 8) return null;
  if (found.examples) return found.examples[0];
  if (found.enum) return found.enum[0];
  if ("default" in found) return found.default;
  const options = found.anyOf || found.oneOf;
  if (options) {
    const option = options.find((one) => one.type !== "null") || options[0];
    return example(document, option, depth + 1);
  }
  if (found.type === "object") {
    const entries = Object.entries(found.properties || {});
    return Object.fromEntries(
      entries.map(([name, property]) => [name, example(document, property, depth + 1)]),
    );
  }
  if (found.type === "array") return [example(document, found.items, depth + 1)];
  return { string: "string", integer: 1, number: 1.5, boolean: false }[found.type] ?? null;
}

function json(value) {
  return element("pre", JSON.stringify(value, null, 2));
}

function table(headings, rows) {
  const head = element("tr", "", ...headings.map((text) => element("th", text)));
  const body = rows.map((cells) => element("tr", "", ...cells.map((text) => element("td", text))));
  return element("table", "", head, ...body);
}

function properties(document, schema) {
  const found = resolve(document, schema);
  const rows = Object.entries(found.properties || {}).map(([name, property]) => {
    const inner = (property.anyOf || []).find((one) => one.type !== "null") || property;
    const required = (found.required || []).includes(name) ? "required" : "";
    return [name, inner.type || "object", required, inner.description || ""];
  });
  return rows.length ? table(["name", "type", "", ""], rows) : null;
}

function operation(document, path, method, described) {
  const title = element(
    "summary",
    "",
    styled("span", "method", method.toUpperCase()),
    element("code", path),
    styled("span", "soft", described.summary),
  );
  const parts = [];
  if (described.security) parts.push(element("p", "Needs an access token."));
  if (described.parameters) {
    const rows = described.parameters.map((parameter) => [
      parameter.name,
      parameter.in,
      parameter.required ? "required" : "",
      parameter.description || "",
    ]);
    parts.push(element("h4", "Parameters"), table(["name", "in", "", ""], rows));
  }
  if (described.requestBody) {
    const schema = described.requestBody.content["application/json"].schema;
    parts.push(element("h4", "Body"), json(example(document, schema)));
    parts.push(properties(document, schema));
  }
  parts.push(element("h4", "Answers"));
  const failures = [];
  for (const [status, answer] of Object.entries(described.responses)) {
    const content = answer.content["application/json"];
    if (content) {
      parts.push(element("p", `${status}: ${answer.description}`));
      parts.push(json(example(document, content.schema)));
    } else {
      failures.push([status, answer.description.replaceAll("`", "")]);
    }
  }
  if (failures.length) parts.push(table(["status", "code"], failures));
  return element("details", "", title, element("div", "", ...parts));
}

function show(document, place) {
  place.append(element("h1", `${document.info.title} ${document.info.version}`));
  place.append(element("p", document.info.description.replaceAll("`", "")));
  for (const tag of document.tags) {
    place.append(element("h2", tag.name), element("p", tag.description));
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of METHODS) {
        if (item[method] && item[method].tags.includes(tag.name)) {
          place.append(operation(document, path, method, item[method]));
        }
      }
    }
  }
}

const place = document.getElementById("api");
fetch("/openapi.json")
  .then((answer) => answer.json())
  .then((found) => show(found, place))
  .catch(() => place.append(element("p", "The document /openapi.json could not be loaded.")));
