import { Writer } from "@cloudamqp/amqp-client/amqp-frame";
import { AMQPView } from "@cloudamqp/amqp-client/amqp-view";
import type { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";

/** What a client logged in with. */
export interface Login {
  readonly mechanism: string;
  readonly response: string;
  readonly properties: Record<string, unknown>;
}

/** Where the connection is cut: after the step of that name. */
export type Step = "greeting" | "login" | "tune" | "open";

/** How the broker behaves. */
export interface Behaviour {
  readonly mechanisms?: string;
  readonly cutAfter?: Step;
  /** Sent instead of anything else. */
  readonly says?: string;
  readonly host?: string;
  /** Heartbeats that it wants, in seconds; default 60. */
  readonly heartbeat?: number;
  /** How long it thinks about a login, in milliseconds. */
  readonly thinksFor?: number;
}

const CONNECTION = 10, CHANNEL = 20, BASIC = 60;
const OPEN_CHANNEL = 10, CLOSE_CHANNEL = 40, QOS = 10;
const START = 10, START_OK = 11, TUNE = 30, TUNE_OK = 31, OPEN = 40, OPEN_OK = 41, CLOSE = 50, CLOSE_OK = 51;

/** A broker that knows how to greet, log in, open and close a connection, or to break off in between. */
export class FakeBroker {
  readonly #server = createServer({ allowHalfOpen: true });
  readonly #sockets: Socket[] = [];
  readonly #behaviour: Behaviour;
  /** The login received. */
  login: Login | undefined;
  /** The virtual host opened. */
  vhost: string | undefined;
  /** The heartbeats agreed on, in seconds. */
  heartbeat: number | undefined;
  /** Called with every basic.qos that it answers. */
  onQos: (() => void) | undefined;
  /** Called when a channel is to be closed, which it does not answer. */
  onCloseChannel: (() => void) | undefined;
  /** It says nothing more. */
  silent = false;
  /** Where it listens. */
  port = 0;

  private constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#server.on("connection", (socket) => {
      this.#sockets.push(socket);
      socket.on("error", () => {});
      socket.once("data", () => this.#greet(socket));
      socket.on("end", () => socket.end());
    });
  }

  /** Runs the test with a broker that behaves so. */
  static async with(behaviour: Behaviour, test: (broker: FakeBroker) => Promise<void>): Promise<void> {
    const broker = new FakeBroker(behaviour);
    const host = behaviour.host ?? "127.0.0.1";
    await new Promise<void>((resolve) => broker.#server.listen(0, host, resolve));
    const address = broker.#server.address();
    broker.port = typeof address === "object" ? address?.port ?? 0 : 0;
    try {
      await test(broker);
    } finally {
      for (const socket of broker.#sockets) socket.destroy();
      await new Promise((resolve) => broker.#server.close(resolve));
    }
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #greet(socket: Socket): void {
    const { says, mechanisms = "PLAIN AMQPLAIN" } = this.#behaviour;
    if (says !== undefined) {
      socket.write(says);
      return;
    }
    let received = new Uint8Array();
    socket.on("data", (chunk: Buffer) => {
      received = new Uint8Array([...received, ...chunk]);
      while (received.length >= 8) {
        const view = new AMQPView(received.buffer, received.byteOffset, received.byteLength);
        const size = view.getUint32(3) + 8;
        if (received.length < size) return;
        if (view.getUint8(0) === 1) this.#answer(socket, view);
        received = received.slice(size);
      }
    });
    const start = method(START);
    start.writeUint8(0);
    start.writeUint8(9);
    start.writeTable({ product: "fake" });
    start.writeLongString(mechanisms);
    start.writeLongString("en_US");
    this.#send(socket, start, "greeting");
  }

  #answer(socket: Socket, view: AMQPView): void {
    const payload = 11;
    if (view.getUint16(7) !== CONNECTION) return this.#answerOnChannel(socket, view);
    switch (view.getUint16(9)) {
      case START_OK: {
        const [properties, length] = view.getTable(payload);
        const [mechanism, mechanismLength] = view.getShortString(payload + length);
        const [response] = view.getLongString(payload + length + mechanismLength);
        this.login = { mechanism, response, properties };
        const tune = method(TUNE);
        tune.writeUint16(100);
        tune.writeUint32(131_072);
        const { heartbeat = 60, thinksFor } = this.#behaviour;
        tune.writeUint16(heartbeat);
        if (thinksFor === undefined) this.#send(socket, tune, "login");
        else setTimeout(() => this.#send(socket, tune, "login"), thinksFor);
        break;
      }
      case TUNE_OK:
        this.heartbeat = view.getUint16(payload + 6);
        if (this.#behaviour.cutAfter === "tune") socket.resetAndDestroy();
        break;
      case OPEN: {
        this.vhost = view.getShortString(payload)[0];
        const openOk = method(OPEN_OK);
        openOk.writeShortString("");
        this.#send(socket, openOk, "open");
        break;
      }
      case CLOSE:
        this.#send(socket, method(CLOSE_OK));
    }
  }

  #answerOnChannel(socket: Socket, view: AMQPView): void {
    if (this.silent) return;
    const [classId, id] = [view.getUint16(7), view.getUint16(9)];
    if (classId === CHANNEL && id === OPEN_CHANNEL) {
      const openOk = method(id + 1, classId, view.getUint16(1));
      openOk.writeUint32(0);
      this.#send(socket, openOk);
    } else if (classId === BASIC && id === QOS) {
      this.#send(socket, method(id + 1, classId, view.getUint16(1)));
      this.onQos?.();
    } else if (classId === CHANNEL && id === CLOSE_CHANNEL) this.onCloseChannel?.();
  }

  #send(socket: Socket, frame: Writer, step?: Step): void {
    frame.finalize();
    if (step !== undefined && step === this.#behaviour.cutAfter) {
      socket.write(frame.toUint8Array(), () => socket.resetAndDestroy());
    } else socket.write(frame.toUint8Array());
  }
}

function method(id: number, classId = CONNECTION, channel = 0): Writer {
  return new Writer({ bufferSize: 1024, type: 1, channel, classId, method: id });
}
