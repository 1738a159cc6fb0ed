/** Publish HOST:PORT COLLECTION DOC_ID [TEXT]: publish one state of a document; without TEXT it is deleted. */

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class Publish {
    public static void main(String[] args) throws Exception {
        String collection = args[1], docId = args[2], key = collection + "/" + docId;
        ObjectMapper json = new ObjectMapper();
        byte[] value = args.length < 4 ? null : json.writeValueAsBytes(
            Map.of("schema_version", 1, "collection", collection, "doc_id", docId, "content", args[3]));
        Map<String, Object> settings = Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0],
            ProducerConfig.ACKS_CONFIG, "all",
            ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true,
            ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 1048588);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
            RecordMetadata kept = producer.send(new ProducerRecord<>("documents", key, value)).get();
            var seen = Map.of(kept.topic(), Map.of(kept.partition(), kept.offset() + 1));
            System.out.println(json.writeValueAsString(seen)); // MIN_OFFSETS for Ask
        }
    }
}
