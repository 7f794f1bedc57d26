import { clearInterval, setInterval } from "node:timers";

/** What viewers of the page are kept up to date with. */
export interface LiveUpdatesOptions {
  /** The parts of the page as they are now, always as many and in the same order. */
  readonly parts: () => readonly string[];
  /** Most viewers at a time. */
  readonly viewers: number;
  /** Milliseconds between two looks at what has changed. */
  readonly interval: number;
  /** Told what went wrong with a look. */
  readonly failed: (thrown: unknown) => void;
}

interface Viewer {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** What was sent last. */
  sent: readonly string[];
}

/** Browsers connect again so many milliseconds after the end of a stream. */
const RETRY = 2000;
const encoder = new TextEncoder();

/**
 * Server-sent events with the parts of the page that have changed. Nothing is done while nobody looks; who does not
 * read what was sent gets the newest parts when he does.
 */
export class LiveUpdates {
  readonly #options: LiveUpdatesOptions;
  readonly #viewers = new Set<Viewer>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  /** Does nothing yet. */
  constructor(options: LiveUpdatesOptions) {
    this.#options = options;
  }

  /** A stream for one more viewer, with every part at once; `undefined` when there are too many, or after `close`. */
  open(): ReadableStream<Uint8Array> | undefined {
    if (this.#closed || this.#viewers.size >= this.#options.viewers) return undefined;
    let viewer: Viewer;
    return new ReadableStream({
      start: (controller) => {
        viewer = { controller, sent: [] };
        this.#viewers.add(viewer);
        this.#timer ??= setInterval(() => this.#look(), this.#options.interval);
        this.#look();
      },
      cancel: () => this.#leave(viewer),
    });
  }

  /** Ends every stream; none is opened any more. */
  close(): void {
    this.#closed = true;
    for (const viewer of this.#viewers) {
      viewer.controller.close();
      this.#leave(viewer);
    }
  }

  #leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    try {
      const parts = this.#options.parts();
      for (const viewer of this.#viewers) send(viewer, parts);
    } catch (thrown) {
      this.#options.failed(thrown);
    }
  }
}

function send(viewer: Viewer, parts: readonly string[]): void {
  const { controller, sent } = viewer;
  const changed = parts.filter((part, index) => part !== sent[index]);
  if (changed.length === 0 || (controller.desiredSize ?? 0) <= 0) return;
  const first = sent.length === 0 ? `retry: ${RETRY}\n` : "";
  const data = changed.join("").replace(/\r\n?|\n/g, "\ndata: ");
  controller.enqueue(encoder.encode(`${first}data: ${data}\n\n`));
  viewer.sent = parts;
}
