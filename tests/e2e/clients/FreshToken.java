// clients.md begins
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.postgresql.plugin.AuthenticationPlugin;
import org.postgresql.plugin.AuthenticationRequestType;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLState;

/** A fresh token for each connection: authenticationPluginClassName=FreshToken. */
public class FreshToken implements AuthenticationPlugin {
    @Override
    public char[] getPassword(AuthenticationRequestType type) throws PSQLException {
        try {
            Process command = new ProcessBuilder("jwt-sso", "token", "orders")
                    .redirectError(ProcessBuilder.Redirect.INHERIT).start();
            byte[] output = command.getInputStream().readAllBytes();
            if (command.waitFor() != 0) {
                throw new IOException("jwt-sso gave no token");
            }
            return new String(output, StandardCharsets.US_ASCII).strip().toCharArray();
        } catch (IOException | InterruptedException error) {
            throw new PSQLException("No token", PSQLState.CONNECTION_UNABLE_TO_CONNECT, error);
        }
    }
}
// clients.md ends
