// Starts all services over the database in EDP_JDBC_URL, and calls them through a channel: a request a line of standard
// input, an answer a line of standard output.
package edp.test

import com.google.gson.JsonArray
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import com.google.protobuf.Message
import com.google.protobuf.util.JsonFormat
import edp.tables.v1.jdbc.realizedServices
import io.grpc.CallOptions
import io.grpc.MethodDescriptor
import io.grpc.Status
import io.grpc.StatusRuntimeException
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder
import io.grpc.stub.ClientCalls
import java.net.InetSocketAddress
import org.postgresql.ds.PGSimpleDataSource

fun main() {
  val database = PGSimpleDataSource().apply { setURL(System.getenv("EDP_JDBC_URL")) }
  val services = realizedServices(database)
  val server = NettyServerBuilder.forAddress(InetSocketAddress("127.0.0.1", 0))
    .apply { services.forEach(::addService) }
    .build()
    .start()
  val channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port).usePlaintext().build()
  val methods = services.flatMap { it.bindService().methods }.associate {
    it.methodDescriptor.fullMethodName to it.methodDescriptor
  }
  println("ready: ${methods.size} methods")
  for (line in generateSequence(::readLine)) {
    val call = JsonParser.parseString(line).asJsonObject
    @Suppress("UNCHECKED_CAST")
    val method = methods.getValue(call["method"].asString) as MethodDescriptor<Message, Message>
    val prototype = (method.requestMarshaller as MethodDescriptor.PrototypeMarshaller<Message>).messagePrototype!!
    val request = prototype.newBuilderForType().also { JsonFormat.parser().merge(call["request"].toString(), it) }.build()
    val answer = JsonObject()
    try {
      val messages = JsonArray()
      ClientCalls.blockingServerStreamingCall(channel, method, CallOptions.DEFAULT, request).forEach {
        messages.add(JsonParser.parseString(JsonFormat.printer().preservingProtoFieldNames().print(it)))
      }
      answer.add("messages", messages)
    } catch (error: StatusRuntimeException) {
      answer.addProperty("status", error.status.code.name)
      answer.addProperty("description", error.status.description)
    }
    println(answer)
  }
  channel.shutdownNow()
  server.shutdownNow()
}
