// ask HOST:PORT QUESTION [MIN_OFFSETS]: ask, wait for the one answer, print it with its quotes.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const place = 0 // an answer comes to the partition number of its question

type query struct {
	SchemaVersion int             `json:"schema_version"`
	QueryID       string          `json:"query_id"`
	Text          string          `json:"text"`
	MinOffsets    json.RawMessage `json:"min_offsets,omitempty"`
}

type response struct {
	Status    string `json:"status"`
	Text      string `json:"text"`
	Citations []struct {
		Quote string `json:"quote"`
	} `json:"citations"`
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("expected HOST:PORT QUESTION [MIN_OFFSETS]")
	}
	question := query{SchemaVersion: 1, QueryID: newID(), Text: os.Args[2]}
	if len(os.Args) > 3 {
		question.MinOffsets = json.RawMessage(os.Args[3])
	}
	value, err := json.Marshal(question)
	check(err)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Args[1]),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	check(err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, "responses")
	check(err)
	end, known := ends.Lookup("responses", place)
	if !known {
		log.Fatal("the topic responses is not there")
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{ // from here on, before asking
		"responses": {place: kgo.NewOffset().At(end.Offset)},
	})
	record := &kgo.Record{Topic: "queries", Partition: place, Key: []byte(question.QueryID), Value: value}
	check(client.ProduceSync(ctx, record).FirstErr())
	print(answerTo(ctx, client, question.QueryID))
}

func answerTo(ctx context.Context, client *kgo.Client, queryID string) response {
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			log.Fatal("no answer within 30 s: is a worker running?")
		}
		check(fetches.Err())
		for _, record := range fetches.Records() {
			if string(record.Key) == queryID {
				var answer response
				check(json.Unmarshal(record.Value, &answer))
				return answer
			}
		}
	}
}

func print(answer response) {
	fmt.Println(answer.Status)
	fmt.Println(answer.Text)
	for _, citation := range answer.Citations {
		fmt.Println(citation.Quote)
	}
}

func newID() string {
	id := make([]byte, 16)
	_, err := rand.Read(id)
	check(err)
	return hex.EncodeToString(id)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
