// A small site in Java that logs in at a provider over https: nothing of it knows of a trust store.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Site {
    static final Map<String, String> env = System.getenv();
    static final Map<String, String> sessions = new ConcurrentHashMap<>();
    static final HttpClient client = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(env.get("PORT"))), 0);
        server.createContext("/", exchange -> {
            try {
                answer(exchange);
            } catch (Exception error) {
                System.err.println("failed: " + error);
                reply(exchange, 502, "the provider cannot be used");
            }
        });
        server.start();
    }

    static void answer(HttpExchange exchange) throws Exception {
        String query = String.valueOf(exchange.getRequestURI().getQuery());
        String session = found("sid=([^;]+)", String.valueOf(exchange.getRequestHeaders().getFirst("Cookie")));
        String callback = env.get("BASE_URL") + "/callback";
        switch (exchange.getRequestURI().getPath()) {
            case "/login" -> {
                String state = UUID.randomUUID().toString();
                exchange.getResponseHeaders().add("Set-Cookie", "sid=" + state + "; HttpOnly; SameSite=Lax; Path=/");
                redirect(exchange, env.get("ISSUER") + "/authorize?response_type=code&scope=openid&client_id="
                    + env.get("CLIENT_ID") + "&redirect_uri=" + callback + "&state=" + state);
            }
            case "/callback" -> {
                String code = found("code=([^&]+)", query);
                if (session == null || code == null || !session.equals(found("state=([^&]+)", query))) {
                    reply(exchange, 400, "no login was begun here");
                    return;
                }
                String form = "grant_type=authorization_code&code=" + code + "&redirect_uri=" + callback + "&client_id="
                    + env.get("CLIENT_ID") + "&client_secret=" + env.get("CLIENT_SECRET");
                HttpRequest request = HttpRequest.newBuilder(URI.create(env.get("ISSUER") + "/token"))
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .POST(HttpRequest.BodyPublishers.ofString(form)).build();
                String tokens = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
                String claims = found("\"id_token\":\"[^.]+\\.([^.]+)", tokens);
                String text = new String(Base64.getUrlDecoder().decode(claims), StandardCharsets.UTF_8);
                sessions.put(session, found("\"sub\":\"([^\"]+)", text));
                redirect(exchange, "/");
            }
            case "/me" -> {
                String subject = session == null ? null : sessions.get(session);
                reply(exchange, subject == null ? 401 : 200, subject == null ? "{}" : "{\"sub\":\"" + subject + "\"}");
            }
            case "/logout" -> {
                if (session != null) {
                    sessions.remove(session);
                }
                redirect(exchange, "/");
            }
            default -> reply(exchange, 200, "hello");
        }
    }

    static String found(String pattern, String text) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        return matcher.find() ? matcher.group(1) : null;
    }

    static void redirect(HttpExchange exchange, String target) throws IOException {
        exchange.getResponseHeaders().add("Location", target);
        reply(exchange, 302, "");
    }

    static void reply(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
