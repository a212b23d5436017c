import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;

/**
 * A login by pgjdbc. The PG* variables are those of libpq.
 *
 * <p>Prints "current_user NAME", or "refused SQLSTATE" and the message; any other end is a trace.
 */
public class Login {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> env = System.getenv();
        String url = String.format("jdbc:postgresql://%s:%s/%s",
                env.get("PGHOST"), env.get("PGPORT"), env.get("PGDATABASE"));
        Properties properties = new Properties();
        properties.setProperty("user", env.get("PGUSER"));
        properties.setProperty("password", env.get("PGPASSWORD"));
        properties.setProperty("sslmode", "verify-full");
        properties.setProperty("sslrootcert", env.get("PGSSLROOTCERT"));
        try (var connection = DriverManager.getConnection(url, properties);
                var result = connection.createStatement().executeQuery("SELECT current_user")) {
            result.next();
            System.out.println("current_user " + result.getString(1));
        } catch (SQLException error) {
            // Class 08 is pgjdbc's own trouble with the connection, such as TLS.
            if (error.getSQLState().startsWith("08")) {
                throw error;
            }
            System.out.println("refused " + error.getSQLState());
            System.out.println(error.getMessage());
        }
    }
}
