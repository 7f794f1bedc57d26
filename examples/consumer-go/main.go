// Applies every change once and in order, whatever comes again.
// AMQP_ADDR=amqp://… AMQP_QUEUE=orders go run .
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

type hlc struct{ nanoseconds, logical int64 }

func (a hlc) after(b hlc) bool {
	return a.nanoseconds > b.nanoseconds || a.nanoseconds == b.nanoseconds && a.logical > b.logical
}

// message-id is NANOSECONDS-HASH or NANOSECONDS.LOGICAL-HASH: the hash stands for the row, numbers compare as such.
func identity(messageID string) (row string, time hlc) {
	text, row, _ := strings.Cut(messageID, "-")
	nanoseconds, logical, _ := strings.Cut(text, ".")
	time.nanoseconds, _ = strconv.ParseInt(nanoseconds, 10, 64)
	time.logical, _ = strconv.ParseInt(logical, 10, 64)
	return row, time
}

func main() {
	connection, err := amqp.Dial(os.Getenv("AMQP_ADDR"))
	check(err)
	channel, err := connection.Channel()
	check(err)
	check(channel.Qos(100, 0, false))
	deliveries, err := channel.Consume(os.Getenv("AMQP_QUEUE"), "", false, false, false, false, nil)
	check(err)

	// The time of the newest change applied, by row. In memory it is gone with this process: a real consumer keeps it
	// where it applies the changes, in the same transaction.
	newest := map[string]hlc{}
	for delivery := range deliveries {
		row, time := identity(delivery.MessageId)
		if row == "" || time.after(newest[row]) { // without a time there is nothing to compare
			fmt.Printf("%s\n", delivery.Body) // apply it here
			newest[row] = time
		}
		check(delivery.Ack(false))
	}
	log.Fatal("the connection is closed")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
