// publish HOST:PORT COLLECTION DOC_ID [TEXT]: publish one state of a document; without TEXT it is deleted.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type document struct {
	SchemaVersion int    `json:"schema_version"`
	Collection    string `json:"collection"`
	DocID         string `json:"doc_id"`
	Content       string `json:"content"`
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("expected HOST:PORT COLLECTION DOC_ID [TEXT]")
	}
	collection, docID := os.Args[2], os.Args[3]
	var value []byte // nil deletes the document; an empty slice would be refused
	if len(os.Args) > 4 {
		made, err := json.Marshal(document{1, collection, docID, os.Args[4]})
		check(err)
		value = made
	}
	// Idempotent, acknowledged by all replicas in sync and keys placed as Java's client does: franz-go's defaults.
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]))
	check(err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	record := &kgo.Record{Topic: "documents", Key: []byte(collection + "/" + docID), Value: value}
	kept, err := client.ProduceSync(ctx, record).First()
	check(err)
	seen, err := json.Marshal(map[string]map[int32]int64{kept.Topic: {kept.Partition: kept.Offset + 1}})
	check(err)
	fmt.Println(string(seen)) // MIN_OFFSETS for ask
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
