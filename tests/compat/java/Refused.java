// What happens to a client that is older than Kafka 4.x brokers accept: it must be told, not hang. Usage: java Refused BOOTSTRAP
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public class Refused {
    public static void main(String[] args) {
        System.out.println("version " + AppInfoParser.getVersion());
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        String topic = "refused-" + System.nanoTime();
        KafkaProducer<String, String> p = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
        try {
            p.send(new ProducerRecord<>(topic, "v")).get(20, TimeUnit.SECONDS);
            System.out.println("FAIL refused: not refused");
        } catch (ExecutionException e) { // its request is of a version that brokers close the connection for
            System.out.println("ok refused");
        } catch (Exception e) {
            System.out.println("FAIL refused: " + e);
        }
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
