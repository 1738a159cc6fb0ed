/** Ask HOST:PORT QUESTION [MIN_OFFSETS]: ask, wait for the one answer, print it with its quotes. */

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class Ask {
    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        String queryId = UUID.randomUUID().toString();
        ObjectNode query = json.createObjectNode()
            .put("schema_version", 1).put("query_id", queryId).put("text", args[1]);
        if (args.length > 2) {
            query.set("min_offsets", json.readTree(args[2]));
        }
        Map<String, Object> reading = Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0],
            ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        Map<String, Object> asking = Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0],
            ProducerConfig.ACKS_CONFIG, "all",
            ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        var place = new TopicPartition("responses", 0); // an answer comes to the partition number of its question
        try (var answers = new KafkaConsumer<>(reading, new StringDeserializer(), new ByteArrayDeserializer());
             var questions = new KafkaProducer<>(asking, new StringSerializer(), new ByteArraySerializer())) {
            answers.assign(List.of(place));
            answers.seekToEnd(List.of(place));
            answers.position(place); // seeking is lazy: from here on, before asking
            byte[] value = json.writeValueAsBytes(query);
            questions.send(new ProducerRecord<>("queries", place.partition(), queryId, value)).get();
            Instant end = Instant.now().plusSeconds(30);
            while (Instant.now().isBefore(end)) {
                for (var answer : answers.poll(Duration.ofMillis(200))) {
                    if (queryId.equals(answer.key())) {
                        print(json.readTree(answer.value()));
                        return;
                    }
                }
            }
        }
        System.err.println("no answer within 30 s: is a worker running?");
        System.exit(1);
    }

    private static void print(JsonNode answer) {
        System.out.println(answer.path("status").asText());
        System.out.println(answer.path("text").asText());
        answer.path("citations").forEach(citation -> System.out.println(citation.path("quote").asText()));
    }
}
