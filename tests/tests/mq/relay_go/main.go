// A client of messagebroker.proto that protoc-gen-go generates: sends messages by a relay, and prints what it is told.
//
//	relay_go HOST:PORT EXCHANGE KEY TOPIC COUNT
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"frontier.test/relay/pb"
)

func main() {
	addr, exchange, key, topic := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	count, err := strconv.Atoi(os.Args[5])
	check(err)
	connection, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer connection.Close()
	client := pb.NewMessageBrokerClient(connection)
	for number := 0; number < count; number++ {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		message := &pb.Message{Data: []byte(fmt.Sprintf("go %d", number))}
		rabbit := &pb.RabbitMQTarget{Exchange: exchange, RouteKey: key}
		answer, err := client.SendRabbitMQMessage(ctx, &pb.RabbitMQMessage{Target: rabbit, Message: message})
		check(err)
		fmt.Println("rabbitmq", answer.ErrorNo, answer.ErrorMessage)
		kafka := &pb.KafkaTarget{Topic: topic}
		answer, err = client.SendKafkaMessage(ctx, &pb.KafkaMessage{Target: kafka, Message: message})
		check(err)
		fmt.Println("kafka", answer.ErrorNo, answer.ErrorMessage)
		cancel()
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
