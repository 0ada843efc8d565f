// One HTTP call: JSON there and back, problems as `ApiError`, a deadline always.

import { ApiError, ConnectionLostError } from "./errors";

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly token?: string;
  /** Makes repeating the request harmless where the body has no `client_id`. */
  readonly idempotencyKey?: string;
}

export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

const DEADLINE_MS = 15_000;

/** Return the answer, or throw `ApiError` or `ConnectionLostError`. */
export async function call<T>(request: Request, fetchIt: Fetch = fetch): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (request.token !== undefined) headers["Authorization"] = `Bearer ${request.token}`;
  if (request.body !== undefined) headers["Content-Type"] = "application/json";
  if (request.idempotencyKey !== undefined) headers["Idempotency-Key"] = request.idempotencyKey;
  const init: RequestInit = {
    method: request.method,
    headers,
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(DEADLINE_MS),
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  };
  let response: Response;
  let text: string;
  try {
    response = await fetchIt(request.path + queryText(request.query), init);
    text = await response.text();
  } catch (error) {
    throw new ConnectionLostError(String(error));
  }
  const answer = parsed(text);
  if (response.ok && answer !== undefined) return answer as T;
  throw refusal(response, answer);
}

/** Return a file that may be cached, or throw as `call` does. */
export async function callForFile(
  path: string,
  token: string,
  fetchIt: Fetch = fetch,
): Promise<Blob> {
  let response: Response;
  try {
    response = await fetchIt(path, {
      headers: { Authorization: `Bearer ${token}` },
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (response.ok) return await response.blob();
  } catch (error) {
    throw new ConnectionLostError(String(error));
  }
  throw refusal(response, parsed(await response.text().catch(() => "")));
}

function queryText(query: Request["query"]): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(response: Response, answer: unknown): ApiError {
  const problem = (typeof answer === "object" && answer !== null ? answer : {}) as Record<
    string,
    unknown
  >;
  const code = typeof problem["code"] === "string" ? problem["code"] : "unreadable_answer";
  const detail =
    typeof problem["detail"] === "string" ? problem["detail"] : `status ${response.status}`;
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(
    code,
    detail,
    response.status,
    Number.isFinite(retryAfter) ? retryAfter : null,
    problem,
  );
}
