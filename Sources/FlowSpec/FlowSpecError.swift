/// Why bytes or text are not a FlowSpec rule.
public enum FlowSpecError: Error, Sendable, Hashable {
    case duplicateComponent(MatchComponentType)
    case emptyComponent(MatchComponentType)
    case wrongFamily(MatchComponentType)
    case invalidOffset(MatchComponentType)
    /// The bytes end within a component.
    case truncated
    /// A component type that is not in the registry.
    case unknownComponent(UInt8)
    /// Components out of ascending order (RFC 8955 section 4.2).
    case wrongOrder
    /// A prefix length over 32 or 128.
    case invalidPrefixLength(UInt8)
    /// The wire form would be longer than the 4095 octets that its length field can say.
    case tooLong
    /// The text could not be read; the associated value says what stands where what was expected.
    case invalidText(String)
}
