// What can go wrong between this client and the platform.

/** The platform refused. Match on `code`; `detail` is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  readonly status: number | null;
  readonly retryAfterS: number | null;
  /** Further members of the problem, such as `field`. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    detail: string,
    status: number | null = null,
    retryAfterS: number | null = null,
    data: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.code = code;
    this.status = status;
    this.retryAfterS = retryAfterS;
    this.data = data;
  }
}

/** There was no answer: the network or the platform is away, or the time was up. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
}

/** There is no session, or it has ended: log in. */
export class LoggedOutError extends Error {
  override readonly name = "LoggedOutError";
}

/** Return a sentence for people about whatever was thrown. */
export function sayError(error: unknown): string {
  if (error instanceof ApiError) {
    const text = error.message;
    return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
  }
  if (error instanceof ConnectionLostError) return "Can't reach ChatterRoom. Check your connection and try again.";
  if (error instanceof LoggedOutError) return "You're logged out.";
  return "Something went wrong. Try again.";
}
