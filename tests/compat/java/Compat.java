// The checks of one version of Apache Kafka's Java client. Usage: java Compat BOOTSTRAP
// Prints `version V`, then `ok CHECK`, `n/a CHECK: this version lacks ...` or `FAIL CHECK: reason` for each; $COMPAT_CHECK limits to
// names that contain it. Compiles against every kafka-clients from 2.1 on: what came or went later is called by reflection.
import java.util.Collections;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.common.utils.AppInfoParser;

public class Compat extends Frame {
    public static void main(String[] args) {
        bootstrap = args[0];
        System.out.println("version " + AppInfoParser.getVersion());
        admin = AdminClient.create(settings("bootstrap.servers", bootstrap, "request.timeout.ms", 15_000));
        TopicChecks.all();
        RecordChecks.all();
        GroupChecks.all();
        TransactionChecks.all();
        System.out.flush();
        Runtime.getRuntime().halt(0); // checks that hang leave clients that do not close
    }
}
