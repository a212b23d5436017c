import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * Three connections by pgjdbc, each with a fresh token. The PG* variables are those of libpq.
 *
 * <p>Prints "connected ROLE JTI" for each, or "refused SQLSTATE" and the message.
 */
public class FreshPgjdbc {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> env = System.getenv();
        String url = String.format("jdbc:postgresql://%s:%s/%s",
                env.get("PGHOST"), env.get("PGPORT"), env.get("PGDATABASE"));
        // clients.md begins
        Properties properties = new Properties();
        properties.setProperty("user", env.get("PGUSER"));
        properties.setProperty("authenticationPluginClassName", "FreshToken");
        properties.setProperty("sslmode", "verify-full");
        properties.setProperty("sslrootcert", env.get("PGSSLROOTCERT"));
        // clients.md ends
        List<Connection> connections = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            try {
                connections.add(DriverManager.getConnection(url, properties));
                String query = "SELECT concat_ws(' ', current_user, jwt_sso.claim('jti'))";
                var result = connections.get(i).createStatement().executeQuery(query);
                result.next();
                System.out.println("connected " + result.getString(1));
            } catch (SQLException error) {
                if (error.getSQLState().startsWith("08")) {
                    throw error;
                }
                System.out.println("refused " + error.getSQLState());
                System.out.println(error.getMessage());
            }
        }
        for (Connection connection : connections) {
            connection.close();
        }
    }
}
