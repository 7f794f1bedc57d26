import type { FeedEndStatus, StatusSnapshot } from "../telemetry/snapshot.ts";
import type { Html } from "./html.ts";
import type { ViewProps } from "./view.ts";
import { clock } from "./wording.ts";

/** The way of a change: from CockroachDB by way of this process to RabbitMQ. */
export function Connections({ view: { status } }: ViewProps): Html {
  const { source, destination, version, started, at, state } = status;
  const failed = failedEnd(status);
  return (
    <ol id="connections" class="way">
      <End
        end={source}
        at={at}
        failed={failed === "source"}
        idle={state === "standby" ? "not read while standing by" : "not read at present"}
      />
      <li class="station">
        <h3>This publisher</h3>
        <p>{`version ${version}`}</p>
        <p class="soft">{`running since ${clock(started, at)}`}</p>
      </li>
      <End end={destination} at={at} failed={failed === "destination"} idle="not connected at present" />
    </ol>
  );
}

/** The end that keeps the feed from being published; without one the other is not connected either. */
function failedEnd({ interruption, failures }: StatusSnapshot): "source" | "destination" | undefined {
  const kind = interruption === undefined ? undefined : failures[0]?.kind;
  if (kind?.startsWith("Source")) return "source";
  return kind?.startsWith("Broker") ? "destination" : undefined;
}

interface EndProps {
  readonly end: FeedEndStatus;
  readonly at: number;
  /** There should be a connection. */
  readonly failed: boolean;
  /** Said when there is none, and that is as it should be. */
  readonly idle: string;
}

function End({ end, at, failed, idle }: EndProps): Html {
  const { system, place, addresses, connection } = end;
  const others = addresses.filter((address) => !connection?.address.startsWith(address));
  return (
    <li class={`station ${connection !== undefined ? "joined" : failed ? "apart" : "idle"}`}>
      <h3>{system}</h3>
      {place === "" ? null : <p>{place}</p>}
      {connection === undefined ? <p class="bond">{failed ? "cannot be reached" : idle}</p> : (
        <p class="bond">
          {addresses.length === 0 ? "connected" : "connected to "}
          {addresses.length === 0 ? null : <Whole text={connection.address} />}
        </p>
      )}
      {connection === undefined ? null : <p class="soft">{`since ${clock(connection.since, at)}`}</p>}
      {others.length === 0 ? null : (
        <p class="soft">
          may connect to {others.map((address, index) => (
            <>
              <Whole text={`${address}${index < others.length - 1 ? "," : ""}`} />
              {" "}
            </>
          ))}
        </p>
      )}
    </li>
  );
}

/** Breaks between words rather than within one. */
function Whole({ text }: { readonly text: string }): Html {
  return <span class="whole">{text}</span>;
}
