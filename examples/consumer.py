# Applies every change once and in order, whatever comes again.
# pip install pika; AMQP_ADDR=amqp://… AMQP_QUEUE=orders python3 consumer.py
import os
import pika

# The time of the newest change applied, by row. In memory it is gone with this process: a real consumer keeps it
# where it applies the changes, in the same transaction.
newest = {}


def identity(message_id):
    """message-id is NANOSECONDS-HASH or NANOSECONDS.LOGICAL-HASH: the hash stands for the row, numbers compare as such."""
    time, _, row = message_id.partition("-")
    nanoseconds, _, logical = time.partition(".")
    return row, (int(nanoseconds or 0), int(logical or 0))


address = pika.URLParameters(os.environ["AMQP_ADDR"])
channel = pika.BlockingConnection(address).channel()
channel.basic_qos(prefetch_count=100)
for delivery, properties, body in channel.consume(os.environ["AMQP_QUEUE"]):
    row, time = identity(properties.message_id or "")
    if not row or time > newest.get(row, (0, 0)):  # without a time there is nothing to compare
        print(body.decode(), flush=True)  # apply it here
        newest[row] = time
    channel.basic_ack(delivery.delivery_tag)
